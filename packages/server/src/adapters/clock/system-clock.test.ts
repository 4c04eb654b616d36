import { describe, expect, it } from "vitest";
import { describeClockContract } from "../../test/contracts/clock.ts";
import { createSystemClock } from "./system-clock.ts";

describeClockContract("The system's clock", () => ({
  clock: createSystemClock(),
  pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}));

describe("The system's clock", () => {
  const make = () => {
    const time = { wall: 1_000_000, steady: 500 };
    const clock = createSystemClock({ wall: () => time.wall, steady: () => time.steady });
    return { time, clock };
  };

  it("goes on evenly when the wall clock is set back", () => {
    const { time, clock } = make();
    expect(clock.now()).toBe(1_000_000);
    time.wall -= 3_600_000;
    time.steady += 10;
    expect(clock.now()).toBe(1_000_010);
  });

  it("follows the wall clock when the machine slept", () => {
    const { time, clock } = make();
    time.wall += 8 * 3_600_000;
    time.steady += 10;
    expect(clock.now()).toBe(time.wall);
  });

  it("follows the database's clock, and waits where that is behind", () => {
    const { time, clock } = make();
    clock.setOffset(250);
    expect(clock.now()).toBe(1_000_250);
    clock.setOffset(-100);
    expect(clock.now()).toBe(1_000_250);
    time.wall += 400;
    time.steady += 400;
    expect(clock.now()).toBe(1_000_300);
  });
});
