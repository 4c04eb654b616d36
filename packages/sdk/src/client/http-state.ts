import type { HttpCall } from "../http/http-caller.ts";
import type { Event, StateChange, StateDocument, StateWrite, StateWritten } from "../protocol/index.ts";
import type { EventClient } from "./client.ts";
import { createHttpStateSnapshots, type HttpSnapshotCalls } from "./http-state-snapshots.ts";
import {
  createStateDocuments,
  type ProjectState,
  type StateAccess,
  type StateClient,
} from "./state-client.ts";

export interface HttpStateCalls {
  /** Repeated where the server is away. */
  get<T>(path: string, query?: NonNullable<HttpCall["query"]>): Promise<T>;
  read(call: Omit<HttpCall, "token">): Promise<unknown>;
  /** Repeated only where the first one surely reached nobody. */
  write(call: Omit<HttpCall, "token">): Promise<unknown>;
  /** Streams what is below an address. */
  files: HttpSnapshotCalls["files"];
}

const bodyTypes = {
  put: ["PUT", "application/json"],
  "merge-patch": ["PATCH", "application/merge-patch+json"],
  "json-patch": ["PATCH", "application/json-patch+json"],
  delete: ["DELETE", undefined],
} as const;

/** State over HTTP. */
export const createHttpState = (calls: HttpStateCalls, follow: EventClient["follow"]): StateClient => ({
  project: (name) => createProject(calls, name, follow),
  projects: async () => (await calls.get<{ items: never[] }>("/v1/state")).items,
});

const createProject = (
  calls: HttpStateCalls,
  project: string,
  follow: EventClient["follow"],
): ProjectState => {
  const name = encodeURIComponent(project);
  const below = (place: string, path: string) =>
    `/v1/${place}/${name}/${path.split("/").map(encodeURIComponent).join("/")}`;
  const access: StateAccess = {
    async get(path, version) {
      let headers: Headers | undefined;
      const content = await calls.read({
        method: "GET",
        path: below("state", path),
        query: { version },
        onHeaders: (found) => {
          headers = found;
        },
      });
      return documentOf(project, path, headers as Headers, content);
    },
    write: (path, write) => sendWrite(calls, below("state", path), write),
    list: (filter = {}) => calls.get(`/v1/state/${name}`, { ...filter }),
    versions: (path, page = {}) => calls.get(below("state-versions", path), { ...page }),
  };
  return {
    ...createStateDocuments(access),
    list: (filter = {}) => calls.get(`/v1/state/${name}`, { ...filter }),
    diff: (path, from, to) => calls.get(below("state-diff", path), { from, to }),
    changes: (filter = {}) => calls.get(`/v1/state-changes/${name}`, { ...filter }),
    watch: (options = {}) => watchState(follow, project, options),
    snapshots: createHttpStateSnapshots(calls, project),
  };
};

const sendWrite = async (calls: HttpStateCalls, path: string, write: StateWrite): Promise<StateWritten> => {
  const { kind, body, ifVersion, merge, lock } = write;
  const [method, type] = bodyTypes[kind];
  const condition: Record<string, string> =
    ifVersion === 0 ? { "if-none-match": "*" } : { "if-match": `"${ifVersion}"` };
  const written = await calls.write({
    method,
    path,
    query: { merge, lock: lock?.name, lockToken: lock?.token },
    headers: {
      ...(type === undefined ? {} : { "content-type": type }),
      ...(ifVersion === undefined ? {} : condition),
    },
    ...(kind === "delete" ? {} : { body: body ?? null }),
  });
  return written as StateWritten;
};

const documentOf = (project: string, path: string, headers: Headers, content: unknown): StateDocument => ({
  project,
  path,
  version: Number(headers.get("muster-version")),
  bytes: Number(headers.get("muster-bytes")),
  writtenAt: headers.get("muster-written-at") ?? "",
  writtenBy: decodeURIComponent(headers.get("muster-written-by") ?? ""),
  content,
});

/** Changes of a project, out of the stream of events. */
export async function* watchState(
  follow: EventClient["follow"],
  project: string,
  { after, prefix = "", signal }: { after?: number; prefix?: string; signal?: AbortSignal },
): AsyncGenerator<StateChange> {
  const events = follow({
    types: ["state.written", "state.deleted"],
    project,
    ...(after === undefined ? {} : { after }),
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const event of events) {
    const change = changeOf(event);
    if (change.path.startsWith(prefix)) yield change;
  }
}

const changeOf = ({ seq, at, type, data }: Event): StateChange => {
  const { path, version, by } = data as { path: string; version: number; by: string };
  return { position: seq, path, version, deleted: type === "state.deleted", writtenAt: at, writtenBy: by };
};
