import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createSystemClock } from "./system-clock.ts";

const start = Date.UTC(2030, 0, 1);
const days = 24 * 3_600_000;

describe("the system clock", () => {
  let wall = start;
  let steady = 1_000.25;

  beforeEach(() => {
    wall = start;
    steady = 1_000.25;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    vi.spyOn(Date, "now").mockImplementation(() => wall);
    vi.spyOn(performance, "now").mockImplementation(() => steady);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** As time goes by in the world: both clocks and the timers. */
  function pass(ms: number): void {
    wall += ms;
    steady += ms;
    vi.advanceTimersByTime(Math.max(0, ms));
  }

  test("tells the time in whole milliseconds", () => {
    const clock = createSystemClock();
    pass(1_234);
    steady += 0.6;
    expect(clock.now()).toBe(start + 1_234);
  });

  test("goes on when the wall clock is set back", () => {
    const clock = createSystemClock();
    pass(500);
    expect(clock.now()).toBe(start + 500);
    wall -= 3_600_000;
    expect(clock.now()).toBe(start + 500);
    pass(250);
    expect(clock.now()).toBe(start + 750);
  });

  test("follows the wall clock when that is set forward, and counts on from there", () => {
    const clock = createSystemClock();
    wall += 3_600_000;
    expect(clock.now()).toBe(start + 3_600_000);
    wall -= 3_600_000;
    pass(100);
    expect(clock.now()).toBe(start + 3_600_100);
  });

  test("never runs backwards, whatever the wall clock does", () => {
    const clock = createSystemClock();
    let latest = clock.now();
    for (let index = 0; index < 5_000; index++) {
      steady += (index % 7) / 10;
      wall += (index % 11) - 5 + (index % 997 === 0 ? 1_000 : 0);
      const now = clock.now();
      expect(now).toBeGreaterThanOrEqual(latest);
      expect(Number.isInteger(now)).toBe(true);
      latest = now;
    }
    expect(latest).toBeGreaterThan(start + 4_000);
  });

  test("takes nothing back even where both clocks jump back, as after a faulty move of a virtual machine", () => {
    const clock = createSystemClock();
    pass(500);
    expect(clock.now()).toBe(start + 500);
    pass(-200);
    expect(clock.now()).toBe(start + 500);
    pass(300);
    expect(clock.now()).toBe(start + 600);
  });

  test("runs a timer once when its time has come, and not a moment before", () => {
    const clock = createSystemClock();
    const work = vi.fn();
    clock.setTimer(1_000, work);
    pass(999);
    expect(work).not.toHaveBeenCalled();
    // Node fires early: its own time is up, the clock's is not.
    vi.advanceTimersByTime(1);
    expect(work).not.toHaveBeenCalled();
    pass(1);
    expect(work).toHaveBeenCalledOnce();
    pass(5_000);
    expect(work).toHaveBeenCalledOnce();
  });

  test("waits longer than Node's timers can", () => {
    const clock = createSystemClock();
    const work = vi.fn();
    clock.setTimer(60 * days, work);
    for (let day = 0; day < 59; day++) pass(days);
    expect(work).not.toHaveBeenCalled();
    pass(days);
    expect(work).toHaveBeenCalledOnce();
  });

  test("a timer that was cancelled does not run, also after it was armed again", () => {
    const clock = createSystemClock();
    const work = vi.fn();
    clock.setTimer(100, work).cancel();
    const long = clock.setTimer(30 * days, work);
    for (let day = 0; day < 29; day++) pass(days);
    long.cancel();
    long.cancel();
    pass(10 * days);
    expect(work).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the system clock of this computer", () => {
  test("agrees with the computer and runs its timers on time", async () => {
    const clock = createSystemClock();
    expect(Math.abs(clock.now() - Date.now())).toBeLessThanOrEqual(1);
    const setAt = clock.now();
    const ranAt = await new Promise<number>((resolve) => clock.setTimer(20, () => resolve(clock.now())));
    expect(ranAt - setAt).toBeGreaterThanOrEqual(20);
  });

  test("keeps no process alive for a timer", () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const timer = createSystemClock().setTimer(60_000, () => {});
    expect(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout")).toHaveLength(before);
    timer.cancel();
  });
});
