import type {
  StateChange,
  StateDiff,
  StateDocument,
  StateEntry,
  StateFilter,
  StateProject,
  StateVersion,
  StateWrite,
  StateWritten,
} from "@muster/sdk/protocol";
import type { Page, Principal, TaskLease } from "../orchestrator.ts";

/** Versioned JSON that agents and people share. Each tenant has projects of its own and sees no other. */
export interface StateService {
  /** A project of whoever asks; that of the tenant `default` for an admin of `*`, as with tasks. */
  of(principal: Principal, project: string): StateSpace;
  /** A project of the task's tenant, for as long as the lease is live: `lease_lost` from then on. */
  under(lease: TaskLease, project: string): StateSpace;
  projects(principal: Principal): Promise<StateProject[]>;
}

export interface StateChangeFilter {
  /** Changes behind this position; without it nothing but the position of now. */
  after?: number;
  prefix?: string;
  limit?: number;
}

export interface StateChanges {
  items: StateChange[];
  /** Go on behind it: `after` of the next call. */
  position: number;
}

/** The documents of one project. */
export interface StateSpace {
  /** The newest version, or a certain one; `not_found` where there is none. */
  get(path: string, version?: number): Promise<StateDocument>;
  /**
   * One new version. `precondition_failed` where `ifVersion` is not the newest one, `conflict` where a merge or patch
   * does not work out; the `details` of both are a `StateConflict`.
   */
  write(path: string, write: StateWrite): Promise<StateWritten>;
  /** In the order of paths. `createdAt` is null for a project that nobody ever wrote to. */
  list(filter?: StateFilter): Promise<Page<StateEntry> & { createdAt: string | null }>;
  /** Newest first. */
  versions(path: string, page?: { before?: number | null; limit?: number }): Promise<Page<StateVersion>>;
  diff(path: string, from: number, to: number): Promise<StateDiff>;
  /** In order and without a gap. Where there are none, waits for the first one for up to `waitMs`. */
  changes(filter: StateChangeFilter, waitMs: number, signal?: AbortSignal): Promise<StateChanges>;
}
