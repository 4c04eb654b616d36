import {
  MusterError,
  type PatchOperation,
  type StateChange,
  type StateDiff,
  type StateDocument,
  type StateEntry,
  type StateFilter,
  type StateLock,
  type StateProject,
  type StateVersion,
  type StateWrite,
  type StateWritten,
} from "../protocol/index.ts";
import type { Page } from "./client.ts";
import type { StateSnapshotClient } from "./state-snapshot-client.ts";

/** What can be done to the documents of one project, as whoever carries it offers it. */
export interface StateAccess {
  get(path: string, version?: number): Promise<StateDocument>;
  write(path: string, write: StateWrite): Promise<StateWritten>;
  list(filter?: StateFilter): Promise<Page<StateEntry>>;
  versions(path: string, page?: { before?: number; limit?: number }): Promise<Page<StateVersion>>;
}

export interface StateWriteOptions {
  /** Only if this is the newest version; 0: only if there is no such document. `precondition_failed` otherwise. */
  ifVersion?: number;
  /** With `ifVersion`: what others wrote since is merged in where it is about other places. `conflict` otherwise. */
  merge?: "three-way";
  /** Only while this grant of a lock is live. */
  lock?: StateLock;
}

/** The documents of one project. */
export interface StateDocuments {
  /** Null where there is none. */
  get(path: string, options?: { version?: number }): Promise<StateDocument | null>;
  put(path: string, content: unknown, options?: StateWriteOptions): Promise<StateWritten>;
  /** JSON Merge Patch (RFC 7396): members are set, null removes one. */
  mergePatch(path: string, patch: unknown, options?: StateWriteOptions): Promise<StateWritten>;
  /** JSON Patch (RFC 6902): operations, all of them or none. */
  jsonPatch(
    path: string,
    patch: readonly PatchOperation[],
    options?: StateWriteOptions,
  ): Promise<StateWritten>;
  delete(path: string, options?: Omit<StateWriteOptions, "merge">): Promise<StateWritten>;
  /**
   * Reads, changes and writes until nobody else wrote in between: `change` gets the content, undefined where there is
   * none, and answers the new one. It may be called several times; after 50 the refusal is passed on.
   */
  update<Content = unknown>(
    path: string,
    change: (content: Content | undefined) => Content | Promise<Content>,
    options?: { lock?: StateLock },
  ): Promise<StateWritten>;
  /** In the order of paths; pass `next` as `after` to get the next page. */
  list(filter?: StateFilter): Promise<Page<StateEntry>>;
  /** Newest first. */
  versions(path: string, page?: { before?: number; limit?: number }): Promise<Page<StateVersion>>;
}

/** What is to be watched. */
export interface StateWatchOptions {
  /** Changes behind this position; without it only new ones. */
  after?: number;
  /** Only documents whose path begins so. */
  prefix?: string;
  /** Ends it. */
  signal?: AbortSignal;
}

/** The documents of one project, in the hands of an agent. */
export interface AgentStateDocuments extends StateDocuments {
  /**
   * Every change behind `after`, first past ones, then each as it happens; without `after` only new ones. Ends with its
   * signal; rejects with `lease_lost` when the task is not this attempt's any more.
   */
  watch(options?: StateWatchOptions): AsyncIterable<StateChange>;
}

/** What an agent has of state while it works on a task. */
export interface AgentState {
  project(name: string): AgentStateDocuments;
}

export interface StateChangeFilter {
  /** Changes behind this position; without it nothing but the position of now. */
  after?: number;
  prefix?: string;
  limit?: number;
}

export interface ProjectState extends Omit<StateDocuments, "list"> {
  /** `createdAt` is null for a project that nobody ever wrote to. */
  list(filter?: StateFilter): Promise<Page<StateEntry> & { createdAt: string | null }>;
  /** What has changed between two versions, as a JSON Patch; `from` 0: everything. */
  diff(path: string, from: number, to: number): Promise<StateDiff>;
  /** In order and without a gap; `position` is the `after` of the next call. */
  changes(filter?: StateChangeFilter): Promise<{ items: StateChange[]; position: number }>;
  /** Every change behind `after`, first past ones, then each as it happens; without `after` only new ones. */
  watch(options?: StateWatchOptions): AsyncIterable<StateChange>;
  readonly snapshots: StateSnapshotClient;
}

export interface StateClient {
  project(name: string): ProjectState;
  projects(): Promise<StateProject[]>;
}

const mostUpdates = 50;

/** Makes of what a carrier offers what programs use. */
export const createStateDocuments = (access: StateAccess): StateDocuments => {
  const get: StateDocuments["get"] = async (path, { version } = {}) => {
    try {
      return await access.get(path, version);
    } catch (error) {
      if (error instanceof MusterError && error.code === "not_found") return null;
      throw error;
    }
  };
  const put: StateDocuments["put"] = (path, content, options = {}) =>
    access.write(path, { kind: "put", body: content, ...options });
  return {
    get,
    put,
    mergePatch: (path, patch, options = {}) =>
      access.write(path, { kind: "merge-patch", body: patch, ...options }),
    jsonPatch: (path, patch, options = {}) =>
      access.write(path, { kind: "json-patch", body: patch, ...options }),
    delete: (path, options = {}) => access.write(path, { kind: "delete", ...options }),
    async update(path, change, options = {}) {
      for (let tries = 1; ; tries++) {
        const document = await get(path);
        const content = await change(document?.content as never);
        try {
          return await put(path, content, { ...options, ifVersion: document?.version ?? 0 });
        } catch (error) {
          const isLate = error instanceof MusterError && error.code === "precondition_failed";
          if (!isLate || tries >= mostUpdates) throw error;
        }
      }
    },
    list: (filter) => access.list(filter),
    versions: (path, page) => access.versions(path, page),
  };
};
