import type { DatabaseFacts } from "../protocol/index.ts";

/** A process that serves the orchestrator; several may work as one. */
export interface NodeInfo {
  /** Another one after every start. */
  id: string;
  name: string;
  url: string | null;
  version: string;
  startedAt: string;
  lastSeen: string;
}

export interface NodeClient {
  /** The nodes that were heard of within the last half minute. For admins of all tenants. */
  list(): Promise<NodeInfo[]>;
  /** What database they work on. */
  database(): Promise<DatabaseFacts>;
}
