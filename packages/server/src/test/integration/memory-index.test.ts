import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createSystemIds } from "../../adapters/ids/system-ids.ts";
import { createMemory } from "../../core/memory/create-memory.ts";
import { createNearness, type NearnessBounds } from "../../core/memory/nearness.ts";
import { readVectorExtension } from "../../core/queue/statements/vector-index.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Embedder } from "../../ports/embedder.ts";
import { fillMemories, idOfNumber } from "../fill-memories.ts";
import { freshDatabase, silentLog, someone } from "../orchestrate.ts";

const [count, dimensions, topics] = [1_000, 256, 25];
let database: Database;
let now = 1_800_000_000_000;
const clock: Clock = {
  now: () => now,
  setTimer: (_, work) => {
    const timer = setImmediate(work);
    return { cancel: () => clearImmediate(timer) };
  },
};

/** Numbers from 0 to 1, the same in every run. */
function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const chance = createChance(7);
const unit = (vector: number[]): number[] => vector.map((value) => value / Math.hypot(...vector));
const random = (): number[] => Array.from({ length: dimensions }, () => chance() - 0.5);
const centres = Array.from({ length: topics }, random);
/** A direction around one of the topics, as meanings are. */
const clustered = (): number[] => {
  const centre = centres[Math.floor(chance() * topics)] as number[];
  return unit(centre.map((value) => value + (chance() - 0.5) * 1.5));
};
const memories = Array.from({ length: count }, (_, n) => ({
  id: idOfNumber(n),
  space: n % 4 === 0 ? "project:p" : "global:",
  text: `common words of all, number n${n}${n === 321 ? " rare" : ""}`,
  vector: clustered(),
}));
const spaces = ["global:"];
const questions = Array.from({ length: 20 }, clustered);

/** The ten nearest by comparing everything. */
function nearest(vector: readonly number[]): string[] {
  const similarity = (one: readonly number[]) =>
    one.reduce((sum, value, at) => sum + value * (vector[at] as number), 0);
  return memories
    .filter(({ space }) => spaces.includes(space))
    .map(({ id, vector: one }) => ({ id, similarity: similarity(one) }))
    .sort((one, other) => other.similarity - one.similarity)
    .slice(0, 10)
    .map(({ id }) => id);
}

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.execute("delete from memory; drop index if exists memory_near_signs_256");
  now += 3_600_000;
});

const embedder: Embedder = {
  model: "m",
  embed: async (texts) => texts.map(() => questions[0] as number[]),
  close: async () => {},
};
const nearnessWith = (bounds?: NearnessBounds) => createNearness({ database, clock, log: silentLog }, bounds);
const ask = (
  nearness: ReturnType<typeof nearnessWith>,
  vector: readonly number[],
  metadata: string | null = null,
) => nearness.search({ tenant: "default", spaces, model: "m", vector, metadata, limit: 100 });

async function shareFound(nearness: ReturnType<typeof nearnessWith>): Promise<number> {
  let found = 0;
  for (const vector of questions) {
    const { rows } = await ask(nearness, vector);
    const best = new Set(rows.slice(0, 10).map(({ id }) => id));
    found += nearest(vector).filter((id) => best.has(id)).length;
  }
  return found / (10 * questions.length);
}

const seen = { name: "test_count_seen", text: "select count(*)::int as seen from memory_near" };
const countSeen = async () => (await database.query<{ seen: number }>(seen))[0]?.seen;

/** A memory service over what is there, with everything that it does in the background done. */
async function tended() {
  const memory = createMemory({ database, clock, ids: createSystemIds(), log: silentLog, embedder });
  onTestFinished(() => memory.stop());
  await memory.start();
  return memory;
}

describe("of the ten nearest in meaning", () => {
  test("all are found by looking at all numbers", async () => {
    await fillMemories(database, memories, { seen: true });
    const nearness = nearnessWith({ mostExact: 2_000, mostScanned: 3_000, mostWithoutIndex: 2_000 });
    expect(await shareFound(nearness)).toBe(1);
    const { how, rows } = await ask(nearness, memories[1]?.vector as number[]);
    expect(how).toBe("exact");
    expect(rows[0]).toEqual({ id: memories[1]?.id, similarity: expect.closeTo(1, 4) });
  });

  test("19 in 20 by looking at the signs of all", async () => {
    await fillMemories(database, memories, { seen: true });
    const nearness = nearnessWith({ mostExact: 100, mostScanned: 2_000, mostWithoutIndex: 2_000 });
    expect(await shareFound(nearness)).toBeGreaterThan(0.95);
    expect((await ask(nearness, questions[0] as number[])).how).toBe("index");
  });

  test("19 in 20 through an index that was filled in small steps; without one the newest are looked at", async () => {
    await fillMemories(database, memories, { seen: true });
    const nearness = nearnessWith({ mostExact: 100, mostScanned: 200, mostWithoutIndex: 300 });
    const { index } = await nearness.supported();
    expect(await nearness.keepIndex(dimensions)).toBe(index);
    if (!index) {
      const { how, rows } = await ask(nearness, questions[0] as number[]);
      expect(how).toBe("newest");
      expect(rows.every(({ id }) => Number(id.slice(-12)) >= count - 400)).toBe(true);
      return;
    }
    const memory = await tended();
    memory.tend();
    await expect.poll(async () => (await shareFound(nearness)) > 0.95, { timeout: 30_000 }).toBe(true);
    expect((await ask(nearness, questions[0] as number[])).how).toBe("index");
    const none = await ask(nearness, questions[0] as number[], '{"kind":"none"}');
    expect(none.rows).toEqual([]);
  });
});

test("what searches can't see yet is shown to them in the background, and answers say so until then", async () => {
  await fillMemories(database, memories, { seen: false });
  const memory = await tended();
  const mine = memory.service.of(someone);
  expect(await mine.recall({ query: "rare" })).toMatchObject({ vector: "newest" });
  memory.tend();
  await expect
    .poll(async () => (await mine.recall({ query: "rare" })).vector, { timeout: 30_000 })
    .not.toBe("newest");
  expect(await countSeen()).toBe(count);
  const [first] = (await mine.recall({ query: "elsewhere" })).items;
  expect(first).toMatchObject({ memory: { id: nearest(questions[0] as number[])[0] }, vectorRank: 1 });
});

test("an extension that appears later is used, and one that is taken away is done without", async () => {
  await database.execute("drop extension if exists vector cascade");
  await fillMemories(database, memories, { seen: true });
  const before = nearnessWith({ mostExact: 100, mostScanned: 200, mostWithoutIndex: 5_000 });
  expect(await shareFound(before)).toBeGreaterThan(0.95);
  const memory = await tended();
  memory.tend();
  await expect.poll(countSeen, { timeout: 30_000 }).toBe(count);
  const { index } = await before.supported();
  const [row] = await database.query(readVectorExtension);
  expect(index).toBe(typeof row?.version === "string");
  await before.keepIndex(dimensions);
  if (index) await database.execute("drop extension vector cascade");
  expect(await shareFound(before)).toBeGreaterThan(0.95);
});

test("a memory that has all the words is found however common each of them is", async () => {
  const crowd = memories.map((one, n) => ({
    ...one,
    space: "global:",
    text: n === 834 ? "deploy the parser on tuesday" : `${["deploy", "parser", "tuesday"][n % 3]} n${n}`,
  }));
  await fillMemories(database, crowd, { seen: false });
  const { service } = createMemory({ database, clock, ids: createSystemIds(), log: silentLog });
  const { items } = await service
    .of(someone)
    .recall({ query: "when does the parser deploy on tuesday?", limit: 3 });
  expect(items[0]).toMatchObject({ memory: { id: idOfNumber(834) }, lexicalRank: 1 });
});
