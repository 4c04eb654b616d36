import { type Memory, MusterError } from "@muster/sdk/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createInMemoryBlobs } from "../../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import { createSystemIds } from "../../adapters/ids/system-ids.ts";
import { createMemory } from "../../core/memory/create-memory.ts";
import type { Principal } from "../../core/orchestrator.ts";
import type { Database } from "../../ports/database.ts";
import type { Embedder } from "../../ports/embedder.ts";
import { backUp, restore } from "../back-up.ts";
import { createFakeEmbedder, meaningOfWords } from "../fake-embedder.ts";
import { freshDatabase, silentLog, someone } from "../orchestrate.ts";

let database: Database;
let now = 0;
const clock = { now: () => now, setTimer: () => ({ cancel() {} }) };
const stranger: Principal = { tenant: "other", role: "client", name: "stranger" };
const patience = { timeout: 10_000 };

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.execute("delete from memory");
  now = 1_800_000_000_000;
});

function memoryWith(embedder?: Embedder) {
  const memory = createMemory({
    database,
    clock,
    ids: createSystemIds(),
    log: silentLog,
    ...(embedder && { embedder }),
  });
  onTestFinished(() => memory.stop());
  return { ...memory, mine: memory.service.of(someone) };
}
const textsOf = (items: readonly { memory: Memory }[]) => items.map(({ memory }) => memory.text);

describe("a question", () => {
  test("finds what means the same in other words, and says how near it is", async () => {
    const { mine } = memoryWith(createFakeEmbedder());
    await mine.remember({ text: "the automobile is red" });
    await mine.remember({ text: "bananas ripen slowly" });
    const { items, vector, model, note } = await mine.recall({ query: "truck", limit: 1 });
    expect({ vector, model, note }).toEqual({ vector: "exact", model: "fake-words", note: null });
    expect(items).toMatchObject([
      { memory: { text: "the automobile is red", model: "fake-words" }, lexicalRank: null, vectorRank: 1 },
    ]);
    expect(items[0]?.similarity).toBeGreaterThan(0.3);
    expect((await mine.recall({ query: "truck", minSimilarity: 0.99 })).items).toEqual([]);
  });

  test("joins what its words and its meaning find", async () => {
    const { mine } = memoryWith(createFakeEmbedder());
    await mine.remember({ text: "a truck" });
    await mine.remember({ text: "a car for sale" });
    const { items } = await mine.recall({ query: "car" });
    expect(items).toMatchObject([
      { memory: { text: "a car for sale" }, lexicalRank: 1 },
      { memory: { text: "a truck" }, lexicalRank: null },
    ]);
    expect(items[0]?.score).toBeGreaterThan(items[1]?.score as number);
  });

  test("compares no other tenant's, no other project's, and nothing that is over", async () => {
    const { mine, service } = memoryWith(createFakeEmbedder());
    await service.of(stranger).remember({ text: "a truck of strangers" });
    await mine.remember({ text: "a truck of another project", project: "other" });
    await mine.remember({ text: "a truck that is gone", ttlMs: 1 });
    await mine.remember({ text: "a truck", metadata: { kind: "real" } });
    now += 1;
    expect(textsOf((await mine.recall({ query: "automobile" })).items)).toEqual(["a truck"]);
    expect((await mine.recall({ query: "automobile", metadata: { kind: "toy" } })).items).toEqual([]);
  });
});

describe("without an embedder that works", () => {
  test("memories are found by their words, and the answer says so", async () => {
    const { mine } = memoryWith();
    await mine.remember({ text: "a truck" });
    expect(await mine.recall({ query: "truck" })).toMatchObject({
      items: [{ memory: { text: "a truck", model: null } }],
      vector: "none",
      note: expect.stringContaining("words alone"),
    });
  });

  test("they are embedded later, but for those that are refused, and the embedder is left in peace", async () => {
    const embedder = createFakeEmbedder();
    const { mine, tend } = memoryWith(embedder);
    embedder.failWith(new MusterError("unavailable", "It is away."));
    await mine.remember({ text: "a truck" });
    await mine.remember({ text: "unembeddable truck" });
    expect(embedder.asked).toHaveLength(1);
    expect(await mine.recall({ query: "truck" })).toMatchObject({ vector: "none" });
    embedder.failWith(null);
    now += 60_000;
    tend();
    await expect
      .poll(async () => (await mine.recall({ query: "automobile" })).items, patience)
      .toMatchObject([{ memory: { text: "a truck", model: "fake-words" } }]);
  });
});

test("what another model embedded is not compared, and is embedded anew", async () => {
  const before = memoryWith(createFakeEmbedder("zz-older", 8));
  for (let n = 0; n < 40; n++) await before.mine.remember({ text: `truck number ${n}` });
  const { mine, tend } = memoryWith(createFakeEmbedder("newer", 16));
  expect((await mine.recall({ query: "automobile" })).items).toEqual([]);
  tend();
  await expect
    .poll(async () => (await mine.recall({ query: "automobile", limit: 50 })).items.length, patience)
    .toBe(40);
  const { items } = await mine.list({ limit: 100 });
  expect(new Set(items.map(({ model }) => model))).toEqual(new Set(["newer"]));
});

test("comparing meanings is what it would be by hand", { timeout: 60_000 }, async () => {
  const words = ["red", "car", "blue", "truck", "tree", "house", "green", "river", "cloud", "stone"];
  const text = fc
    .array(fc.constantFrom(...words), { minLength: 1, maxLength: 5 })
    .map((all) => all.join(" "));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(text, { minLength: 1, maxLength: 20 }), text, async (texts, query) => {
      await database.execute("delete from memory");
      const { mine } = memoryWith(createFakeEmbedder());
      for (const one of texts) await mine.remember({ text: one });
      const { items } = await mine.recall({ query, limit: 50 });
      const asked = meaningOfWords(query, 32);
      const byHand = texts.map((one) => ({
        text: one,
        similarity: meaningOfWords(one, 32).reduce(
          (sum, value, at) => sum + value * (asked[at] as number),
          0,
        ),
      }));
      expect(items).toHaveLength(texts.length);
      for (const { memory, similarity } of items) {
        const wanted = byHand.find((one) => one.text === memory.text)?.similarity as number;
        expect(similarity).toBeCloseTo(wanted, 4);
      }
      const ranked = [...items].sort(
        (one, other) => (one.vectorRank as number) - (other.vectorRank as number),
      );
      for (const [place, item] of ranked.entries())
        expect(item.similarity).toBeLessThanOrEqual((ranked[place - 1]?.similarity ?? 2) as number);
    }),
    { numRuns: 15 },
  );
});

test("a backup keeps what memories mean, and is restored where nothing is known of vectors yet", async () => {
  const { mine } = memoryWith(createFakeEmbedder());
  await mine.remember({ text: "the automobile is red", metadata: { kind: "car" } });
  await mine.remember({ text: "bananas ripen slowly", project: "fruit" });
  const before = (await mine.list({})).items;
  const blobs = createInMemoryBlobs();
  const id = await backUp(database, blobs);
  const other = await freshDatabase();
  onTestFinished(() => other.close());
  await restore(blobs, id, other);
  const ids = createSystemIds();
  const restored = createMemory({
    database: other,
    clock,
    ids,
    log: silentLog,
    embedder: createFakeEmbedder(),
  });
  onTestFinished(() => restored.stop());
  await restored.start();
  const theirs = restored.service.of(someone);
  expect((await theirs.list({})).items).toEqual(before);
  expect(await theirs.recall({ query: "truck", limit: 1 })).toMatchObject({
    items: [{ memory: { text: "the automobile is red", metadata: { kind: "car" } } }],
    vector: "exact",
  });
  expect(await theirs.remember({ text: "the automobile is red" })).toMatchObject({ created: false });
});
