import { type Artifact, ArtifactFilter, ArtifactKey, MusterError } from "@muster/sdk/protocol";
import type { BlobInfo, BlobStore } from "../../ports/blob-store.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import { leaseLost } from "../gateway/lease-lost.ts";
import type { ArtifactService, Artifacts, TaskLease } from "../orchestrator.ts";
import { findLeaseTenant } from "../queue/statements/find-lease-tenant.ts";
import { isoTime } from "../task-view.ts";
import { isUuid, parse } from "../validate.ts";
import { tenantSegment } from "./tenant-segment.ts";

export interface ArtifactServiceDependencies {
  blobs: BlobStore;
  database: Database;
  ids: Ids;
  mostBytes: number;
}

const pageSize = 50;

/**
 * Artifacts are blobs below `artifacts/<tenant>/`. A client reaches those of its tenant; an agent those of the
 * tenant whose task it works on, and only while it does: built-in agents work for all tenants and must not
 * carry anything from one to the other.
 */
export function createArtifactService(deps: ArtifactServiceDependencies): ArtifactService {
  const { blobs, database, ids, mostBytes } = deps;

  async function tenantUnder({ agentId, taskId, leaseToken }: TaskLease): Promise<string> {
    const [row] =
      isUuid(taskId) && isUuid(leaseToken)
        ? await database.query(findLeaseTenant, [taskId, leaseToken, agentId])
        : [];
    if (row === undefined) throw leaseLost(taskId);
    return row.tenant;
  }

  return {
    mostBytes,
    of(principal) {
      const tenant = principal.tenant === "*" ? "default" : principal.tenant;
      return artifactsOf(async () => tenant);
    },
    under: (lease) => artifactsOf(() => tenantUnder(lease)),
  };

  /** The space of a tenant, who is asked for again with every call and once more at the end of a put. */
  function artifactsOf(findTenant: () => Promise<string>): Artifacts {
    const folder = async () => `artifacts/${tenantSegment(await findTenant(), ids)}/`;
    const place = async (key: string) =>
      `${await folder()}${parse(ArtifactKey, key, "The key of the artifact")}`;
    return {
      async put(key, body, options) {
        const stillAllowed = async () => void (await findTenant());
        return artifactOf(
          key,
          await blobs.put(await place(key), bounded(body, mostBytes, stillAllowed), options),
        );
      },
      async get(key, options) {
        const { info, body } = await blobs.get(await place(key), options).catch(named(key));
        return { artifact: artifactOf(key, info), body };
      },
      async head(key) {
        const info = await blobs.head(await place(key));
        if (info === null) throw notFound(key);
        return artifactOf(key, info);
      },
      async delete(key) {
        await blobs.delete(await place(key));
      },
      async list(filter = {}) {
        const { prefix = "", after, limit = pageSize } = parse(ArtifactFilter, filter, "The filter");
        const above = await folder();
        const begin = after === undefined || after === "" ? {} : { after: `${above}${after}` };
        const page = await blobs.list(`${above}${prefix}`, { ...begin, limit });
        const items = page.blobs.map(({ key, bytes, storedAt }) => ({
          key: key.slice(above.length),
          bytes,
          storedAt: isoTime(storedAt),
        }));
        return { items, next: page.next === null ? null : page.next.slice(above.length) };
      },
    };
  }
}

const artifactOf = (key: string, { bytes, sha256, contentType, storedAt }: BlobInfo): Artifact => ({
  key,
  bytes,
  sha256,
  contentType,
  storedAt: isoTime(storedAt),
});

/** The same bytes up to the bound. The last thing before the end is to ask whether it may still be put. */
async function* bounded(
  body: AsyncIterable<Uint8Array>,
  mostBytes: number,
  stillAllowed: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > mostBytes) throw tooLarge(mostBytes);
    yield chunk;
  }
  await stillAllowed();
}

const named = (key: string) => (error: unknown) => {
  throw error instanceof MusterError && error.code === "not_found" ? notFound(key) : error;
};

const notFound = (key: string): MusterError =>
  new MusterError("not_found", `There is no artifact ${key}.`, {
    hint: "GET /v1/artifacts lists what there is.",
  });

const tooLarge = (mostBytes: number): MusterError =>
  new MusterError(
    "payload_too_large",
    `The artifact has more than the ${mostBytes} bytes that are allowed.`,
    {
      hint: "Split it, or let an operator raise MUSTER_ARTIFACT_BYTES.",
    },
  );
