import { createInMemoryBlobs } from "../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import { createArtifactService } from "../core/artifacts/artifact-service.ts";
import type { ArtifactService } from "../core/orchestrator.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Database } from "../ports/database.ts";

/** The lease that every fake orchestrator takes for live, on a task of the tenant `acme`. */
export const liveLease = {
  agentId: "a1",
  taskId: "0190163d-8694-739b-aea5-966c26f8ad91",
  leaseToken: "0190163d-8694-739b-aea5-966c26f8ad92",
};

/** The real service, on memory: there is nothing in it that a fake could leave out. Takes 100,000 bytes per artifact. */
export function createFakeArtifacts(
  blobs: BlobStore = createInMemoryBlobs(),
  mostBytes = 100_000,
): ArtifactService {
  const { agentId, taskId, leaseToken } = liveLease;
  const query = async (_: unknown, [task, token, agent]: unknown[]) =>
    task === taskId && token === leaseToken && agent === agentId ? [{ tenant: "acme" }] : [];
  return createArtifactService({
    blobs,
    database: { query } as unknown as Database,
    ids: { next: () => "", secret: () => "", fingerprint: (text) => Buffer.from(text).toString("hex") },
    mostBytes,
  });
}
