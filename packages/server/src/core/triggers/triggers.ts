import type { Trigger, TriggerDetail, TriggerRequest, TriggerStatus } from "@muster/sdk/protocol";
import type { Page, Principal } from "../orchestrator.ts";

interface TriggerFilter {
  status?: TriggerStatus;
  limit?: number;
  before?: string;
}

/** Work for events. A trigger is named by its id, or by its name within a tenant. */
export interface TriggerService {
  /** Refused whole, or made whole; with `dryRun` it is only looked at. It acts on what happens from now on. */
  create(
    request: TriggerRequest,
    principal: Principal,
    options?: { dryRun?: boolean },
  ): Promise<TriggerDetail>;
  /** Newest first. */
  list(filter: TriggerFilter, principal: Principal): Promise<Page<Trigger>>;
  get(trigger: string, principal: Principal): Promise<TriggerDetail>;
  pause(trigger: string, principal: Principal): Promise<Trigger>;
  /** Goes on with what happens from now on. */
  resume(trigger: string, principal: Principal): Promise<Trigger>;
  delete(trigger: string, principal: Principal): Promise<Trigger>;
}
