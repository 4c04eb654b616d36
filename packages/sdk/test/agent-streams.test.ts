import { expect, it } from "vitest";
import type { TaskContext } from "../src/index.ts";
import { limits, type TextDelta } from "../src/protocol/index.ts";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { gate, startTestAgent } from "./start-test-agent.ts";
import { settled } from "./test-clock.ts";

type Said = Pick<TextDelta, "turn" | "text" | "isRestart" | "missed">;

/** A task at work: what its handler may say, and what of that arrived. */
const atWork = async (isWatched: boolean) => {
  const orchestrator = new FakeOrchestrator();
  orchestrator.speech.isWatched = isWatched;
  const end = gate();
  let context: TaskContext | undefined;
  const { clock } = await startTestAgent(orchestrator, async (given) => {
    context = given;
    await end.promise;
  });
  orchestrator.submit({ capability: "work" });
  await settled();
  const streamed = orchestrator.speech.said as Said[];
  return {
    orchestrator,
    clock,
    stream: context!.stream,
    streamed,
    texts: () => streamed.map(({ text }) => text),
    async finish() {
      end.open();
      await settled();
    },
  };
};

it("says what was said since the last time, at most ten times a second, and the rest at the end", async () => {
  const { stream, clock, texts, finish, streamed } = await atWork(true);
  for (const word of ["once ", "upon ", "a "]) stream(word, { turn: 1 });
  await clock.advance(100);
  // First it asks whether anybody is there.
  await clock.advance(100);
  expect(texts()).toEqual(["", "once upon a "]);
  stream("time", { turn: 1 });
  await settled();
  expect(texts()).toHaveLength(2);
  await clock.advance(100);
  stream("The end", { turn: 2 });
  await finish();
  expect(texts()).toEqual(["", "once upon a ", "time", "The end"]);
  expect(streamed.at(-1)).toMatchObject({ turn: 2, missed: 0 });
});

it("only asks once a second where nobody watches, and tells who comes the end of what was said", async () => {
  const { orchestrator, stream, clock, texts, streamed } = await atWork(false);
  for (let tenth = 0; tenth < 50; tenth++) {
    stream("x".repeat(100), { turn: 1 });
    await clock.advance(100);
  }
  expect(texts().length).toBeLessThanOrEqual(6);
  expect(new Set(texts())).toEqual(new Set([""]));
  orchestrator.speech.isWatched = true;
  stream("now", { turn: 1 });
  await clock.advance(1_100);
  expect(streamed.at(-1)).toMatchObject({ text: `${"x".repeat(2_045)}now`, missed: 5_003 - 2_048 });
});

it("leaves out what is too much, and says how much that was", async () => {
  const { stream, clock, streamed, finish } = await atWork(true);
  stream("a", { turn: 1 });
  await clock.advance(200);
  for (let part = 0; part < 100; part++) stream(`${part}`.padStart(1_000), { turn: 1 });
  await clock.advance(1_000);
  const sent = streamed.slice(1);
  expect(sent.every(({ text }) => text.length <= limits.streamedText)).toBe(true);
  const shown = sent.reduce((sum, { text }) => sum + text.length, 0);
  const missed = sent.reduce((sum, one) => sum + one.missed, 0);
  expect(shown + missed).toBe(100_001);
  expect(shown).toBeLessThanOrEqual(1 + 2 * limits.streamedText);
  for (let turn = 2; turn < 1_000; turn++) stream("", { turn, isRestart: true });
  await finish();
  expect(streamed.length).toBeLessThan(100);
});

it("takes back what a call said that is made anew", async () => {
  const { stream, clock, streamed } = await atWork(true);
  stream("wrong", { turn: 1 });
  stream("", { turn: 1, isRestart: true });
  stream("right", { turn: 1 });
  await clock.advance(1_000);
  expect(streamed.slice(1)).toEqual([
    { turn: 1, text: "wrong", isRestart: false, missed: 0 },
    { turn: 1, text: "right", isRestart: true, missed: 0 },
  ]);
});
