import type { ArtifactAccess } from "../client/artifact-access.ts";
import { type ArtifactClient, createArtifactClient } from "../client/artifact-client.ts";
import type { Attempt } from "./attempt.ts";
import type { Connection } from "./connection.ts";

/** The artifacts that an attempt may use. Each call proves the lease that the attempt has at that moment. */
export const createAttemptArtifacts = (attempt: Attempt, connection: Connection): ArtifactClient => {
  const now = (): ArtifactAccess => {
    if (attempt.gone !== undefined) throw attempt.gone;
    return connection.artifacts(attempt.lease);
  };
  return createArtifactClient({
    put: async (key, body, options) => now().put(key, body, options),
    get: async (key, options) => now().get(key, options),
    head: async (key) => now().head(key),
    list: async (filter) => now().list(filter),
    delete: async (key) => now().delete(key),
  });
};
