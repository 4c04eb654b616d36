import { expect, it } from "vitest";
import { briskRequests, lookOutMs } from "./look-out.js";
import { awakeMs, createStayAwake } from "./stay-awake.ts";

/** An event loop that turns when it is told to. */
function loop(processors = 2) {
  let time = 0;
  let next: (() => void) | undefined;
  const awake = createStayAwake({
    now: () => time,
    processors,
    nextTurn: (work) => {
      if (next !== undefined) throw new Error("Two turns were asked for at once.");
      next = work;
    },
  });
  const turn = () => {
    const work = next;
    next = undefined;
    work?.();
    return next !== undefined;
  };
  const pass = (ms: number) => {
    time += ms;
  };
  /** Requests whose answers take `answerMs`, each of which comes `pauseMs` after the answer to the last. */
  const exchange = (count: number, pauseMs: number, answerMs: number) => {
    for (let n = 0; n < count; n++) {
      pass(pauseMs);
      awake.asked();
      pass(answerMs);
      awake.answered();
    }
  };
  return { awake, turn, pass, exchange, isAwake: () => next !== undefined };
}

it("keeps turning until the answer is there, once requests have come one right after the other", () => {
  const { awake, turn, pass, exchange, isAwake } = loop();
  exchange(briskRequests, 0, 0.1);
  expect(isAwake()).toBe(false);
  awake.asked();
  expect(isAwake()).toBe(true);
  pass(awakeMs / 2);
  expect(turn()).toBe(true);
  awake.answered();
  expect(turn()).toBe(false);
});

it("goes on with the same turn where the next request comes before it", () => {
  const { awake, turn, exchange } = loop();
  exchange(briskRequests, 0, 0.1);
  awake.asked();
  awake.answered();
  awake.asked();
  expect(turn()).toBe(true);
});

it("lets the loop sleep where an answer takes long", () => {
  const { awake, turn, pass, exchange } = loop();
  exchange(briskRequests, 0, 0.1);
  awake.asked();
  pass(awakeMs * 2);
  expect(turn()).toBe(false);
});

it("lets the loop sleep where requests come now and then", () => {
  const { exchange, isAwake } = loop();
  exchange(100, lookOutMs * 2, 0.1);
  expect(isAwake()).toBe(false);
});

it("lets the loop sleep on the only processor, which the store needs", () => {
  const { exchange, isAwake } = loop(1);
  exchange(100, 0, 0.1);
  expect(isAwake()).toBe(false);
});
