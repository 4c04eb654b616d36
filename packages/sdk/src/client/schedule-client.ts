import type {
  Schedule,
  ScheduleDetail,
  ScheduleRequest,
  ScheduleStarted,
  ScheduleStatus,
} from "../protocol/index.ts";
import type { Page } from "./client.ts";

export interface ScheduleFilter {
  status?: ScheduleStatus;
  limit?: number;
  before?: string;
}

/** Work that is handed in at certain times. A schedule is named by its id or its name. */
export interface ScheduleClient {
  /** With `dryRun` everything is checked, the next times are told, and nothing is made. */
  create(request: ScheduleRequest, options?: { dryRun?: boolean }): Promise<ScheduleDetail>;
  /** Newest first. */
  list(filter?: ScheduleFilter): Promise<Page<Schedule>>;
  get(schedule: string): Promise<ScheduleDetail>;
  pause(schedule: string): Promise<Schedule>;
  /** Goes on with the next time from now. */
  resume(schedule: string): Promise<Schedule>;
  /** Starts its work now, whatever else is under way. */
  run(schedule: string): Promise<ScheduleStarted>;
  /** What it started goes on. */
  delete(schedule: string): Promise<Schedule>;
}
