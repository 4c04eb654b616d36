import { describe, expect, it } from "vitest";
import type { Clock } from "../../ports/clock.ts";

export interface ClockUnderTest {
  clock: Clock;
  /** Lets this much of the clock's time go by, timers included. */
  pass(ms: number): Promise<void>;
}

/** What every clock must do. */
export function describeClockContract(name: string, makeClock: () => ClockUnderTest): void {
  describe(`${name} as a clock`, () => {
    it("counts whole milliseconds and never runs backwards", async () => {
      const { clock, pass } = makeClock();
      let last = clock.now();
      for (let i = 0; i < 20; i++) {
        await pass(1);
        expect(Number.isInteger(clock.now())).toBe(true);
        expect(clock.now()).toBeGreaterThanOrEqual(last);
        last = clock.now();
      }
    });

    it("fires timers once, in the order of their times, and never early", async () => {
      const { clock, pass } = makeClock();
      const begun = clock.now();
      const fired: { delay: number; at: number }[] = [];
      for (const delay of [60, 5, 30])
        clock.setTimer(delay, () => fired.push({ delay, at: clock.now() - begun }));
      await pass(150);
      expect(fired.map(({ delay }) => delay)).toEqual([5, 30, 60]);
      // The clock cuts fractions off.
      for (const { delay, at } of fired) expect(at).toBeGreaterThanOrEqual(delay - 1);
    });

    it("fires no timer that was called off, and takes a delay that is over already", async () => {
      const { clock, pass } = makeClock();
      const fired: string[] = [];
      const timer = clock.setTimer(5, () => fired.push("called off"));
      clock.setTimer(-10, () => fired.push("at once"));
      timer.cancel();
      timer.cancel();
      expect(fired).toEqual([]);
      await pass(40);
      expect(fired).toEqual(["at once"]);
    });

    it("takes a delay that is longer than the system's timers reach", async () => {
      const { clock, pass } = makeClock();
      let fired = false;
      const timer = clock.setTimer(2 ** 40, () => {
        fired = true;
      });
      await pass(30);
      expect(fired).toBe(false);
      timer.cancel();
    });
  });
}
