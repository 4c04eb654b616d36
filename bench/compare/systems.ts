import type { System } from "./system.ts";

/** Everybody who is compared. Each is loaded by itself, so that nobody pays for the others' code. */
const systems = {
  "muster-embedded": async () => (await import("./systems/muster-embedded.ts")).musterEmbedded,
  "muster-postgres": async () => (await import("./systems/muster-postgres.ts")).musterPostgres,
  "muster-cluster": async () => (await import("./systems/muster-cluster.ts")).musterCluster,
  bullmq: async () => (await import("./systems/bullmq.ts")).bullmq,
  "bullmq-synced": async () => (await import("./systems/bullmq.ts")).bullmqSynced,
  "pg-boss": async () => (await import("./systems/pg-boss.ts")).pgBoss,
  "graphile-worker": async () => (await import("./systems/graphile-worker.ts")).graphileWorker,
  langgraph: async () => (await import("./systems/langgraph.ts")).langgraph,
} satisfies Record<string, () => Promise<System>>;

export type SystemName = keyof typeof systems;

export const systemNames = Object.keys(systems) as SystemName[];

export const loadSystem = (name: SystemName): Promise<System> => systems[name]();
