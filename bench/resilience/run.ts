/**
 * Measures what resilience is held to: how soon a lock that is released is in the hands of the next in line, what the
 * breakers cost a dispatch, and writes of state by ten writers, of which none may be lost. On PostgreSQL with two nodes
 * in this process, or on the embedded store on disk with one. `usage` says how.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createPgliteDatabase } from "../../packages/server/src/adapters/database/pglite/create-pglite-database.ts";
import { createPostgresDatabase } from "../../packages/server/src/adapters/database/postgres/create-postgres-database.ts";
import { loadMigrations } from "../../packages/server/src/migrations/load-migrations.ts";
import { migrate } from "../../packages/server/src/migrations/migrate.ts";
import type { Database } from "../../packages/server/src/ports/database.ts";
import { orchestrate, type TestOrchestrator } from "../../packages/server/src/test/orchestrate.ts";
import { scratchDatabase } from "../../packages/server/src/test/services.ts";
import { startTwoNodes } from "../../packages/server/src/test/two-nodes.ts";
import { readArguments, refuse } from "../../scripts/read-arguments.ts";
import { measureBreakers } from "./breakers.ts";
import { measureLocks } from "./locks.ts";
import { measureState } from "./state.ts";

const parts = ["locks", "breakers", "state"];
const usage = `
Measures hand-over of locks, the cost of breakers, and writes of state by ten writers, of which none may be lost.

  npm run bench:resilience -- --quick

  --embedded    on the embedded store on disk with one node, not on PostgreSQL with two
  --quick       with a tenth of the work
  --only NAME   one of ${parts.join(", ")}
  --help        this

Ends with 1 where a write was lost, with 2 if it was used wrongly.
`;

const { values: options } = readArguments(usage, {
  options: {
    quick: { type: "boolean", default: false },
    embedded: { type: "boolean", default: false },
    only: { type: "string" },
  },
});
if (options.only !== undefined && !parts.includes(options.only))
  refuse(`There is no "${options.only}", only ${parts.join(", ")}.`);
const scale = options.quick ? 0.1 : 1;

export interface Figure {
  name: string;
  value: number;
  unit: string;
  target: string;
}

/** The nodes that share one store, and what is to be undone afterwards. */
async function open(): Promise<{ nodes: TestOrchestrator[]; close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "muster-bench-resilience-"));
  const scratch = options.embedded ? null : await scratchDatabase();
  const database: Database =
    scratch === null
      ? await createPgliteDatabase({ dataDir: folder })
      : await createPostgresDatabase({ url: scratch.url });
  await migrate(database, await loadMigrations());
  const cluster = scratch === null ? null : await startTwoNodes(database);
  const nodes = cluster === null ? [await orchestrate(database)] : [cluster.one, cluster.other];
  return {
    nodes,
    async close() {
      await (cluster === null ? nodes[0]?.stop() : cluster.stop());
      await database.close();
      await scratch?.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const place = await open();
try {
  const orchestrators = place.nodes.map(({ orchestrator }) => orchestrator);
  const all = {
    locks: () => measureLocks(orchestrators, Math.round(1_000 * scale)),
    breakers: () => measureBreakers(Math.round(5_000 * scale)),
    state: () => measureState(orchestrators, Math.round(100_000 * scale)),
  };
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `${options.embedded ? "embedded" : "PostgreSQL, two nodes"}; load average at the start ${load}`,
  );
  for (const [name, measure] of Object.entries(all)) {
    if (options.only !== undefined && options.only !== name) continue;
    for (const { name: what, value, unit, target } of await measure())
      console.log(`${what}: ${value < 10 ? value.toFixed(4) : Math.round(value)} ${unit} (target ${target})`);
  }
} finally {
  await place.close();
}
