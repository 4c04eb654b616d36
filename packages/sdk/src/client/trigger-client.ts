import type { Trigger, TriggerDetail, TriggerRequest, TriggerStatus } from "../protocol/index.ts";
import type { Page } from "./client.ts";

export interface TriggerFilter {
  status?: TriggerStatus;
  limit?: number;
  before?: string;
}

/** Work that is handed in when an event happens. A trigger is named by its id or its name. */
export interface TriggerClient {
  /** Acts on what happens from now on. With `dryRun` everything is checked, and nothing is made. */
  create(request: TriggerRequest, options?: { dryRun?: boolean }): Promise<TriggerDetail>;
  /** Newest first. */
  list(filter?: TriggerFilter): Promise<Page<Trigger>>;
  get(trigger: string): Promise<TriggerDetail>;
  pause(trigger: string): Promise<Trigger>;
  /** Goes on with what happens from now on. */
  resume(trigger: string): Promise<Trigger>;
  /** What it started goes on. */
  delete(trigger: string): Promise<Trigger>;
}
