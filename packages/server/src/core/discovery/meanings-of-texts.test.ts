import { MusterError } from "@muster/sdk/protocol";
import { expect, test } from "vitest";
import { createFakeEmbedder } from "../../test/fake-embedder.ts";
import { silentLog } from "../../test/orchestrate.ts";
import { findAmong, textsOf } from "./find-among.ts";
import { createMeaningsOfTexts } from "./meanings-of-texts.ts";

const clockAt = (time: { now: number }, atOnce = false) => ({
  now: () => time.now,
  setTimer: (_: number, work: () => void) => {
    const timer = atOnce ? setImmediate(work) : undefined;
    return { cancel: () => clearImmediate(timer) };
  },
});
const time = { now: 0 };
const withEmbedder = (embedder = createFakeEmbedder()) => ({
  embedder,
  similaritiesTo: createMeaningsOfTexts({ clock: clockAt(time), log: silentLog, embedder }),
});
const agent = (id: string, name: string, description: string) => ({
  id,
  name: id,
  description: "",
  capabilities: [{ name, description }],
  load: 0,
  maxConcurrency: 1,
});
const everyone = [
  agent("a", "garage", "automobile"),
  agent("b", "bakery", "bread and rolls"),
  agent("c", "tow", "truck help"),
];

async function find(query: string, similaritiesTo: ReturnType<typeof withEmbedder>["similaritiesTo"]) {
  const similarities = await similaritiesTo(query, textsOf(everyone, { query }));
  return findAmong(everyone, { query }, similarities).map((offer) => offer.agent.id);
}

test("agents are found by what their capabilities mean, and those that share words, too, come first", async () => {
  const { similaritiesTo } = withEmbedder();
  expect(await find("car", similaritiesTo)).toEqual(["a", "c"]);
  expect(await find("truck", similaritiesTo)).toEqual(["c", "a"]);
  expect(await find("rolls", similaritiesTo)).toEqual(["b"]);
});

test("without an embedder, or while it fails, words alone count, and it is left in peace for a while", async () => {
  const none = createMeaningsOfTexts({ clock: clockAt(time), log: silentLog });
  expect(await find("truck", none)).toEqual(["c"]);
  const { embedder, similaritiesTo } = withEmbedder();
  embedder.failWith(new MusterError("unavailable", "It is away."));
  expect(await find("truck", similaritiesTo)).toEqual(["c"]);
  expect(await find("car", similaritiesTo)).toEqual([]);
  expect(embedder.asked).toHaveLength(1);
  embedder.failWith(null);
  time.now += 60_000;
  expect(await find("car", similaritiesTo)).toEqual(["a", "c"]);
});

test("what was embedded is kept, whoever asks, and a few thousand texts at most", async () => {
  const { embedder, similaritiesTo } = withEmbedder();
  const asked = () => embedder.asked.flat().length;
  await Promise.all([similaritiesTo("car", ["truck", "bread"]), similaritiesTo("car", ["bread", "truck"])]);
  expect(asked()).toBe(3);
  await similaritiesTo("bread", ["car"]);
  expect(asked()).toBe(3);
  const many = Array.from({ length: 5_000 }, (_, n) => `text ${n}`);
  const first = await similaritiesTo("car", many);
  // So many at once are embedded; the others are found by their words until they are.
  expect(first?.filter((similarity) => similarity !== 0)).toHaveLength(256);
  for (let n = 0; n < 20; n++) await similaritiesTo("car", many.slice(n * 250, n * 250 + 250));
  const before = asked();
  await similaritiesTo("car", ["text 4999"]);
  expect(asked()).toBe(before);
  await similaritiesTo("car", ["text 0"]);
  expect(asked()).toBe(before + 1);
});

test("nobody waits for an embedder that does not answer", async () => {
  const embedder = { model: "slow", embed: () => new Promise<never>(() => {}), close: async () => {} };
  const similaritiesTo = createMeaningsOfTexts({ clock: clockAt(time, true), log: silentLog, embedder });
  expect(await similaritiesTo("car", ["truck"])).toBeNull();
});
