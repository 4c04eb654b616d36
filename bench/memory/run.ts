/**
 * Measures what it takes to recall among many memories (100,000; `--memories N`) in the embedded store on disk, or with
 * `--postgres` on the PostgreSQL server of the tests: questions of six words with a vector that is there already, since a
 * model's time is its own and is measured apart. Says how many of the ten nearest meanings the index found.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createSystemClock } from "../../packages/server/src/adapters/clock/system-clock.ts";
import { createPgliteDatabase } from "../../packages/server/src/adapters/database/pglite/create-pglite-database.ts";
import { createLocalEmbedder } from "../../packages/server/src/adapters/embedder/local/create-local-embedder.ts";
import { createSystemIds } from "../../packages/server/src/adapters/ids/system-ids.ts";
import { createMemory } from "../../packages/server/src/core/memory/create-memory.ts";
import { loadMigrations } from "../../packages/server/src/migrations/load-migrations.ts";
import { migrate } from "../../packages/server/src/migrations/migrate.ts";
import type { Database } from "../../packages/server/src/ports/database.ts";
import type { Embedder } from "../../packages/server/src/ports/embedder.ts";
import { silentLog, someone } from "../../packages/server/src/test/orchestrate.ts";
import { scratchPostgres } from "../../packages/server/src/test/scratch-postgres.ts";
import { readArguments, readNumber } from "../../scripts/read-arguments.ts";
import { quantile } from "../embedded/measure.ts";
import { createChance, createCorpus, dimensions, fill, numberOf } from "./fill.ts";

const usage = `
Measures what it takes to recall among many memories, and how many of the ten nearest meanings the index found.

  npm run bench:memory -- --memories 10000

  --memories N    so many memories (100,000)
  --questions N   so many questions (500)
  --postgres      on the PostgreSQL server of the tests, not in the embedded store on disk
  --help          this
`;

const { values: options } = readArguments(usage, {
  options: {
    memories: { type: "string", default: "100000" },
    questions: { type: "string", default: "500" },
    postgres: { type: "boolean", default: false },
  },
});
const count = readNumber("memories", options.memories, { least: 1 });
const questions = readNumber("questions", options.questions, { least: 1 });
/** Questions whose true neighbours are looked up by comparing everything. */
const checked = 50;

const say = (what: string, value: string): void => console.log(`${what.padEnd(48)} ${value}`);
const seconds = (from: number): string => `${((performance.now() - from) / 1_000).toFixed(1)} s`;
const spread = (times: readonly number[]): string =>
  [0.5, 0.9, 0.99, 1]
    .map((q) => `${q === 1 ? "max" : `p${q * 100}`} ${quantile(times, q).toFixed(1)} ms`)
    .join(", ");

async function main(database: Database): Promise<void> {
  await migrate(database, await loadMigrations());
  const corpus = createCorpus(createChance(42));
  let begun = performance.now();
  const vectors = await fill(database, corpus, count);
  await database.maintain();
  say(`filled with ${count} memories in`, seconds(begun));
  let vector = corpus.vector();
  const embedder: Embedder = {
    model: "bench",
    embed: async () => [[...vector]],
    close: async () => {},
  };
  const parts = { clock: createSystemClock(), ids: createSystemIds(), log: silentLog };
  const memory = createMemory({ database, embedder, ...parts });
  begun = performance.now();
  await memory.start();
  memory.tend();
  while (!(await isFilled(database))) await pause(1_000);
  say("filled the index, in steps, in", seconds(begun));
  const mine = memory.service.of(someone);

  const recalls: number[] = [];
  const asked: { vector: Float32Array; near: Set<number> }[] = [];
  const isNear = ({ vectorRank }: { vectorRank: number | null }) => vectorRank !== null;
  let how = "";
  const before = process.cpuUsage();
  for (let n = 0; n < questions; n++) {
    vector = corpus.vector();
    const query = corpus.text(6);
    const from = performance.now();
    const { items, vector: way } = await mine.recall({ query, limit: 50 });
    recalls.push(performance.now() - from);
    how = way;
    if (n < checked)
      asked.push({ vector, near: new Set(items.filter(isNear).map((one) => numberOf(one.memory.id))) });
  }
  const { user, system } = process.cpuUsage(before);
  say(`recall (${how})`, spread(recalls));
  say("… time of the processor for each", `${((user + system) / 1_000 / questions).toFixed(1)} ms`);
  const found = asked.map(({ vector: to, near }) => {
    return nearest(vectors, to, 10).filter((one) => near.has(one)).length / 10;
  });
  say("of the ten nearest in meaning it found", quantile(found, 0.5).toFixed(2));
  say("… on average", (found.reduce((sum, value) => sum + value, 0) / found.length).toFixed(3));

  const remembers: number[] = [];
  for (let n = 0; n < Math.min(200, questions); n++) {
    vector = corpus.vector();
    const from = performance.now();
    await mine.remember({ text: corpus.text(20) });
    remembers.push(performance.now() - from);
  }
  say("remember", spread(remembers));
  await memory.stop();
  await model(corpus);
}

const countSeen = { name: "bench_count_seen", text: "select count(*)::int as seen from memory_near" };
const isFilled = async (database: Database): Promise<boolean> =>
  ((await database.query<{ seen: number }>(countSeen))[0]?.seen ?? 0) >= count;

/** What the local model takes for a question and for a memory. */
async function model(corpus: ReturnType<typeof createCorpus>): Promise<void> {
  const embedder = createLocalEmbedder();
  await embedder.embed(["warm"]);
  for (const words of [6, 20, 200]) {
    const times: number[] = [];
    for (let n = 0; n < 50; n++) {
      const from = performance.now();
      await embedder.embed([corpus.text(words)]);
      times.push(performance.now() - from);
    }
    say(`the local model, ${words} words`, spread(times));
  }
  await embedder.close();
}

function nearest(vectors: readonly Float32Array[], to: Float32Array, most: number): number[] {
  const similarity = (one: Float32Array): number => {
    let sum = 0;
    for (let at = 0; at < dimensions; at++) sum += (one[at] as number) * (to[at] as number);
    return sum;
  };
  return vectors
    .map((one, n) => ({ n, similarity: similarity(one) }))
    .sort((one, other) => other.similarity - one.similarity)
    .slice(0, most)
    .map(({ n }) => n);
}

const folder = await mkdtemp(join(tmpdir(), "muster-bench-memory-"));
const database = options.postgres ? await scratchPostgres() : await createPgliteDatabase({ dataDir: folder });
try {
  await main(database);
} finally {
  await database.close();
  await rm(folder, { recursive: true });
}
