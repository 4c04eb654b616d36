import type { HttpCall } from "../http/http-caller.ts";
import type { PrunedSnapshots, StateRestored, StateSnapshot } from "../protocol/index.ts";
import type { ArtifactAccess } from "./artifact-access.ts";
import type { StateSnapshotClient } from "./state-snapshot-client.ts";

export interface HttpSnapshotCalls {
  get<T>(path: string, query?: NonNullable<HttpCall["query"]>): Promise<T>;
  /** Repeated only where the first one surely reached nobody. */
  write(call: Omit<HttpCall, "token">): Promise<unknown>;
  /** Streams what is below an address. */
  files(path: string): Pick<ArtifactAccess, "get">;
}

/** A project full of large documents takes longer than the usual answer. */
const workMs = 10 * 60_000;

/** Snapshots of state over HTTP. */
export const createHttpStateSnapshots = (calls: HttpSnapshotCalls, project: string): StateSnapshotClient => {
  const above = `/v1/state-snapshots/${encodeURIComponent(project)}`;
  const pathOf = (id: string) => `${above}/${encodeURIComponent(id)}`;
  const post = <T>(path: string, body: unknown): Promise<T> =>
    calls.write({ method: "POST", path, body, waitMs: workMs }) as Promise<T>;
  return {
    create: (request = {}) => post<StateSnapshot>(above, request),
    list: (page = {}) => calls.get(above, { ...page }),
    get: (id) => calls.get(pathOf(id)),
    content: async (id, options = {}) => (await calls.files(pathOf(id)).get("content", options)).body,
    restore: (id, request = {}) => post<StateRestored>(`${pathOf(id)}/restore`, request),
    async delete(id) {
      await calls.write({ method: "DELETE", path: pathOf(id) });
    },
    prune: (options) => post<PrunedSnapshots>(`${above}/prune`, options),
  };
};
