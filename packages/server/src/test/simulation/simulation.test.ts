import { describe, expect, it } from "vitest";
import { describeClockContract } from "../contracts/clock.ts";
import { describeIdsContract } from "../contracts/ids.ts";
import { describeRandomContract } from "../contracts/random.ts";
import { createSeededIds } from "./seeded-ids.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createSimulatedClock } from "./simulated-clock.ts";

describeClockContract("Simulated time", () => {
  const clock = createSimulatedClock();
  return { clock, pass: (ms) => clock.advance(ms) };
});
describeIdsContract("A seed", () => createSeededIds(createSeededRandom(1), createSimulatedClock()));
describeRandomContract("A seed", () => createSeededRandom(7));

describe("A seed", () => {
  const world = (seed: number) => {
    const random = createSeededRandom(seed);
    const ids = createSeededIds(random, createSimulatedClock());
    return Array.from({ length: 50 }, () => [random.next(), ids.next(), ids.secret()]);
  };

  it("gives the same world twice, and another seed another one", () => {
    expect(world(5)).toEqual(world(5));
    expect(world(5)).not.toEqual(world(6));
  });

  it("puts the simulated time into ids", async () => {
    const clock = createSimulatedClock(1_000);
    const ids = createSeededIds(createSeededRandom(1), clock);
    await clock.advance(234);
    expect(Number.parseInt(ids.next().replaceAll("-", "").slice(0, 12), 16)).toBe(1_234);
  });
});

describe("Simulated time", () => {
  it("stands still until it is moved, and fires timers at their own times, equal ones as they were set", () => {
    const clock = createSimulatedClock(0);
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name} at ${clock.now()}`);
    clock.setTimer(20, note("c"));
    clock.setTimer(10, note("a"));
    clock.setTimer(10, note("b"));
    expect(clock.pending).toBe(3);
    while (clock.fireNext());
    expect(fired).toEqual(["a at 10", "b at 10", "c at 20"]);
    expect(clock.fireNext()).toBe(false);
  });

  it("fires on the way also what a timer sets, and leaves what lies beyond", async () => {
    const clock = createSimulatedClock(0);
    const fired: number[] = [];
    const tick = () => {
      fired.push(clock.now());
      clock.setTimer(10, tick);
    };
    clock.setTimer(10, tick);
    await clock.advance(35);
    expect(fired).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(35);
    expect(clock.pending).toBe(1);
  });
});
