import type {
  Schedule,
  ScheduleDetail,
  ScheduleRequest,
  ScheduleStarted,
  ScheduleStatus,
} from "@muster/sdk/protocol";
import type { Page, Principal } from "../orchestrator.ts";

interface ScheduleFilter {
  status?: ScheduleStatus;
  limit?: number;
  before?: string;
}

/** Work at certain times. A schedule is named by its id, or by its name within a tenant. */
export interface ScheduleService {
  /** Refused whole, or made whole; with `dryRun` it is only looked at. */
  create(
    request: ScheduleRequest,
    principal: Principal,
    options?: { dryRun?: boolean },
  ): Promise<ScheduleDetail>;
  /** Newest first. */
  list(filter: ScheduleFilter, principal: Principal): Promise<Page<Schedule>>;
  get(schedule: string, principal: Principal): Promise<ScheduleDetail>;
  pause(schedule: string, principal: Principal): Promise<Schedule>;
  /** Goes on with the next time from now; one whose only time has passed: `conflict`. */
  resume(schedule: string, principal: Principal): Promise<Schedule>;
  /** Starts its work now, whatever else is under way. */
  run(schedule: string, principal: Principal): Promise<ScheduleStarted>;
  delete(schedule: string, principal: Principal): Promise<Schedule>;
}
