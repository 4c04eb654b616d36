import { type DatabaseFacts, MusterError } from "@muster/sdk/protocol";
import { createSystemIds } from "./adapters/ids/system-ids.ts";
import { createTextMetrics } from "./adapters/metrics/text/create-text-metrics.ts";
import { createSystemRandom } from "./adapters/random/system-random.ts";
import { type BackupOptions, openBackups } from "./compose/open-backups.ts";
import { openBlobs } from "./compose/open-blobs.ts";
import { openBus } from "./compose/open-bus.ts";
import { openDatabase } from "./compose/open-database.ts";
import { type EmbedderOptions, openEmbedder } from "./compose/open-embedder.ts";
import { openShared } from "./compose/open-shared.ts";
import { createOrchestrator, type OrchestratorSettings } from "./core/create-orchestrator.ts";
import { lookAtDatabase } from "./core/nodes/look-at-database.ts";
import type { Orchestrator } from "./core/orchestrator.ts";
import { createMeasureQueue } from "./core/queue/measure-queue.ts";
import { loadMigrations } from "./migrations/load-migrations.ts";
import { migrate } from "./migrations/migrate.ts";
import type { Clock } from "./ports/clock.ts";
import type { Ids } from "./ports/ids.ts";
import type { Log } from "./ports/log.ts";
import type { RateLimits } from "./ports/rate-limits.ts";

/** The servers that a node works with; for what is left out, this process does it alone. */
export interface Servers {
  databaseUrl?: string | undefined;
  amqpUrl?: string | undefined;
  redisUrl?: string | undefined;
  s3Url?: string | undefined;
  databaseConnections?: number | undefined;
  /** Begins the names of keys in Redis; `muster` by default. */
  clusterPrefix?: string | undefined;
  /** What this node is called in listings; the machine's name by default. */
  nodeName?: string | undefined;
  /** Where other machines reach it; the address that it listens on by default. */
  publicUrl?: string | undefined;
  /** How long to wait for servers that are not up yet; 0, not at all, by default. */
  startMs?: number | undefined;
}

export interface ComposeOptions extends Servers, BackupOptions, EmbedderOptions {
  /** Folder of the embedded store; null keeps everything in memory. */
  dataDir: string | null;
  log: Log;
  onProgress: (sentence: string) => void;
  /** Told once when the store broke while it was in use. */
  onFatal: (error: Error) => void;
  settings: OrchestratorSettings;
}

export interface Composition {
  orchestrator: Orchestrator;
  rateLimits: RateLimits;
  /** Numbers of this node for collectors. */
  metrics: () => Promise<string>;
  clock: Clock;
  ids: Ids;
  /** Other nodes may take over from this one. */
  isCluster: boolean;
  /** Rejects, each by its name, where a server that this node needs is away. */
  checks: Readonly<Record<string, () => Promise<void>>>;
  /** Lets go of everything, the store last. */
  close(): Promise<void>;
}

/** Whether this node is one of several. Refuses servers that would be of no use, and of harm when shared by chance. */
function isOneOfSeveral({ databaseUrl, amqpUrl, redisUrl }: Servers): boolean {
  if (databaseUrl === undefined && (amqpUrl !== undefined || redisUrl !== undefined)) {
    const given = [amqpUrl && "AMQP_URL", redisUrl && "REDIS_URL"].filter(Boolean).join(" and ");
    throw new MusterError("invalid_request", `There is ${given}, and no DATABASE_URL.`, {
      hint: "Nodes that share servers share a database first: set DATABASE_URL, or leave the others out.",
    });
  }
  return amqpUrl !== undefined && redisUrl !== undefined;
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What database there is at an address (`postgres://…`), without a node; it is looked at and not changed. */
export async function lookAtDatabaseAt(url: string): Promise<DatabaseFacts> {
  const { createPostgresDatabase } = await import("./adapters/database/postgres/create-postgres-database.ts");
  const database = await createPostgresDatabase({ url, connections: 1, log: silent });
  return lookAtDatabase(database).finally(() => database.close());
}

/**
 * Chooses the adapters and joins them to core: this file and those in `compose/` are the only ones that name
 * adapters. Without servers everything lives in this process and the store in one folder.
 */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { log, onProgress, onFatal, settings, startMs = 0 } = options;
  const isCluster = isOneOfSeveral(options);
  const opened: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of opened.splice(0).reverse()) await step();
  };
  const ids = createSystemIds();
  try {
    const store = await openDatabase({ ...options, shared: isCluster, startMs, log, onProgress, onFatal });
    opened.push(store.close);
    const { database, clock } = store;
    await migrate(database, await loadMigrations(), { onProgress });
    const shared = await openShared({ ...options, leaseMs: settings.leaseMs, startMs, clock });
    opened.push(shared.close);
    const bus = await openBus({ ...options, startMs });
    opened.push(() => bus.close());
    const blobs = await openBlobs(options);
    opened.push(() => blobs.close());
    const { backups, close: closeBackups } = await openBackups(options, { database, blobs, clock });
    opened.push(closeBackups);
    const random = createSystemRandom();
    const embedder = await openEmbedder(options);
    if (embedder !== undefined) opened.push(() => embedder.close());
    const metrics = createTextMetrics();
    const ports = { database, bus, blobs, backups, ...shared, clock, random, ids, log, metrics };
    const orchestrator = createOrchestrator(
      { ...ports, nextTurn: setImmediate, ...(embedder && { embedder }) },
      settings,
    );
    const checks = { bus: () => bus.check(), registry: () => shared.check() };
    const { rateLimits } = shared;
    const measureQueue = createMeasureQueue(ports);
    const told = () => measureQueue().then(metrics.text);
    return { orchestrator, rateLimits, metrics: told, clock, ids, isCluster, checks, close };
  } catch (error) {
    await close();
    throw error;
  }
}
