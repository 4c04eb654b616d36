import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Database } from "../../ports/database.ts";
import { createDatabaseClock } from "./database-clock.ts";

const start = Date.UTC(2030, 0, 1);
const minute = 60_000;

/** A world in which the steady clock, the timers and the database's clock go on, and the computer's clock is wrong. */
class World {
  steadyMs = 5_000;
  /** What the database's clock is ahead of true time. */
  databaseErrorMs = 0;
  /** How long questions take to get there and back, in turn. */
  delays: [number, number][] = [[2, 2]];
  away = false;
  #asked = 0;

  get trueTime(): number {
    return start + this.steadyMs;
  }

  readonly database: Pick<Database, "query"> = {
    query: async <Row>() => {
      if (this.away) throw new Error("away");
      const [there, back] = this.delays[this.#asked++ % this.delays.length] as [number, number];
      this.steadyMs += there;
      const at = this.trueTime + this.databaseErrorMs;
      this.steadyMs += back;
      return [{ at }] as Row[];
    },
  };

  /** Time passes, in small steps, and whatever is due happens. */
  async pass(ms: number, each: () => void = () => {}): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      this.steadyMs += 100;
      await vi.advanceTimersByTimeAsync(100);
      each();
    }
  }

  clock() {
    return createDatabaseClock({ database: this.database, steady: () => this.steadyMs });
  }
}

describe("the database's clock", () => {
  let world: World;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    world = new World();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  test.each([-10 * minute, 10 * minute])(
    "is told whatever the computer's own says, %i ms off",
    async (error) => {
      const computer = vi.spyOn(Date, "now").mockImplementation(() => world.trueTime + error);
      const clock = await world.clock();
      expect(clock.now()).toBe(world.trueTime);
      computer.mockImplementation(() => world.trueTime - 3 * error);
      await world.pass(95_000);
      expect(clock.now()).toBe(world.trueTime);
      clock.stop();
    },
  );

  test("is known best from the question that was answered soonest", async () => {
    world.delays = [
      [400, 2],
      [2, 300],
      [3, 1],
      [90, 10],
      [700, 700],
    ];
    const clock = await world.clock();
    expect(Math.abs(clock.now() - world.trueTime)).toBeLessThanOrEqual(1);
    clock.stop();
  });

  test.each([4_000, -4_000])("is followed gently when it was set by %i ms", async (change) => {
    const clock = await world.clock();
    await world.pass(10_000);
    world.databaseErrorMs = change;
    let [at, told] = [world.steadyMs, clock.now()];
    await world.pass(60_000, () => {
      const now = clock.now();
      const passed = world.steadyMs - at;
      expect(now - told).toBeGreaterThanOrEqual(passed / 2 - 1);
      expect(now - told).toBeLessThanOrEqual(passed * 1.5 + 1);
      [at, told] = [world.steadyMs, now];
    });
    expect(clock.now()).toBe(world.trueTime + change);
    clock.stop();
  });

  test("never runs backwards, however far it was set back", async () => {
    const clock = await world.clock();
    world.databaseErrorMs = -10 * minute;
    let told = clock.now();
    await world.pass(2 * minute, () => {
      expect(clock.now()).toBeGreaterThanOrEqual(told);
      told = clock.now();
    });
    expect(told - world.trueTime).toBeLessThan(-40_000);
    clock.stop();
  });

  test("is caught up with at once by a process that did not run for long", async () => {
    const clock = await world.clock();
    // The steady clock of a machine that sleeps stands still.
    world.databaseErrorMs = 60 * minute;
    await world.pass(31_000);
    expect(clock.now()).toBe(world.trueTime + 60 * minute);
    clock.stop();
  });

  test("is not chased after for less than a measurement can tell", async () => {
    const clock = await world.clock();
    world.delays = [[9, 1]];
    await world.pass(31_000);
    expect(clock.now()).toBe(world.trueTime);
    world.delays = [[900, 900]];
    world.databaseErrorMs = 5_000;
    await world.pass(31_000);
    expect(clock.now()).toBe(world.trueTime);
    clock.stop();
  });

  test("leaves timers alone", async () => {
    const clock = await world.clock();
    const work = vi.fn();
    world.databaseErrorMs = 60 * minute;
    const from = world.steadyMs;
    let ranAfter = 0;
    clock.setTimer(40_000, () => {
      work();
      ranAfter = world.steadyMs - from;
    });
    await world.pass(60_000);
    expect(work).toHaveBeenCalledOnce();
    expect(ranAfter).toBeGreaterThanOrEqual(40_000);
    expect(ranAfter).toBeLessThan(41_000);
    clock.stop();
  });

  test("is counted on without the database, and read again when that is back", async () => {
    const clock = await world.clock();
    world.away = true;
    await world.pass(minute);
    expect(clock.now()).toBe(world.trueTime);
    world.away = false;
    world.databaseErrorMs = 3_000;
    await world.pass(20_000);
    expect(clock.now()).toBe(world.trueTime + 3_000);
    clock.stop();
    world.databaseErrorMs = 0;
    await world.pass(2 * minute);
    expect(clock.now()).toBe(world.trueTime + 3_000);
  });

  test("is needed for the first measurement", async () => {
    world.away = true;
    await expect(world.clock()).rejects.toThrow("away");
  });
});
