import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSimulatedClock } from "./simulated-clock.ts";

const start = Date.UTC(2026, 0, 1);

describe("the simulated clock", () => {
  test("stands still until it is moved", async () => {
    const clock = createSimulatedClock({ startAt: 1_000 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(clock.now()).toBe(1_000);
    await clock.advance(250);
    expect(clock.now()).toBe(1_250);
  });

  test("runs timers in the order of their time and then of their making, each at its moment", async () => {
    const clock = createSimulatedClock();
    const ran: string[] = [];
    const set = (name: string, delayMs: number) =>
      clock.setTimer(delayMs, () => ran.push(`${name} at ${clock.now() - start}`));
    set("late", 30);
    set("first", 10);
    set("second", 10);
    set("too late", 31);
    set("at once", 0);
    set("overdue", -5);
    await clock.advance(30);
    expect(ran).toEqual(["at once at 0", "overdue at 0", "first at 10", "second at 10", "late at 30"]);
    expect(clock.pending()).toBe(1);
  });

  test("orders any timers so", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 30 }), async (delays) => {
        const clock = createSimulatedClock({ settle: async () => {} });
        const ran: number[] = [];
        for (const [index, delay] of delays.entries()) clock.setTimer(delay, () => ran.push(index));
        await clock.advance(20);
        const expected = delays.map((_, index) => index).sort((a, b) => delays[a]! - delays[b]! || a - b);
        expect(ran).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  test("runs timers that timers set, when they come due on the way", async () => {
    const clock = createSimulatedClock();
    const ran: number[] = [];
    const tick = () => {
      ran.push(clock.now() - start);
      clock.setTimer(10, tick);
    };
    clock.setTimer(10, tick);
    await clock.advance(35);
    expect(ran).toEqual([10, 20, 30]);
  });

  test("lets what a timer set off come to rest before the next one", async () => {
    const clock = createSimulatedClock();
    const order: string[] = [];
    clock.setTimer(1, async () => {
      for (let hop = 0; hop < 100; hop++) await null;
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      order.push(`settled at ${clock.now() - start}`);
      clock.setTimer(0, () => order.push("set on the way"));
    });
    clock.setTimer(2, () => order.push("next"));
    await clock.advance(5);
    expect(order).toEqual(["settled at 1", "set on the way", "next"]);
  });

  test("waits for what the simulation calls rest", async () => {
    const clock = createSimulatedClock({
      settle: () => new Promise((resolve) => setTimeout(resolve, 1)),
    });
    let done = 0;
    for (const delay of [1, 2]) clock.setTimer(delay, () => setTimeout(() => done++, 0));
    await clock.advance(2);
    expect(done).toBe(2);
  });

  test("runs one timer after the other on demand", async () => {
    const clock = createSimulatedClock();
    const ran: string[] = [];
    clock.setTimer(3_600_000, () => ran.push("later"));
    clock.setTimer(5, () => ran.push("soon"));
    clock.setTimer(Number.POSITIVE_INFINITY, () => ran.push("never"));
    expect([await clock.runNext(), clock.now() - start, ran]).toEqual([true, 5, ["soon"]]);
    expect([await clock.runNext(), clock.now() - start]).toEqual([true, 3_600_000]);
    expect([await clock.runNext(), clock.now() - start]).toEqual([false, 3_600_000]);
    expect(ran).toEqual(["soon", "later"]);
  });

  test("runs no timer that was cancelled, even by another at the same moment", async () => {
    const clock = createSimulatedClock();
    const ran: string[] = [];
    clock.setTimer(1, () => second.cancel());
    const second = clock.setTimer(1, () => ran.push("second"));
    const third = clock.setTimer(1, () => ran.push("third"));
    await clock.advance(1);
    third.cancel();
    expect(ran).toEqual(["third"]);
    expect(clock.pending()).toBe(0);
  });

  test("refuses to be moved by two at once, and takes no harm from it", async () => {
    const clock = createSimulatedClock();
    const first = clock.advance(10);
    await expect(clock.advance(10)).rejects.toThrow("being moved already");
    await first;
    await clock.advance(10);
    expect(clock.now()).toBe(start + 20);
  });

  test("says so when timers set each other off without end", async () => {
    const clock = createSimulatedClock({ settle: async () => {} });
    const again = () => void clock.setTimer(0, again);
    again();
    await expect(clock.advance(1)).rejects.toThrow("no end");
  });

  test("refuses a delay that is none, and to run backwards", async () => {
    const clock = createSimulatedClock();
    expect(() => clock.setTimer(Number.NaN, () => {})).toThrow(RangeError);
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
    await expect(clock.advance(Number.NaN)).rejects.toThrow(RangeError);
    expect(clock.now()).toBe(start);
  });
});
