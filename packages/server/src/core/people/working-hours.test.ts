import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAtWork, isTimezone, nextAtWork } from "./working-hours.ts";

const at = (text: string) => Date.parse(text);
const office = { timezone: "Europe/Berlin", days: [1, 2, 3, 4, 5], from: "09:00", to: "17:30" };
const night = { timezone: "UTC", days: [5], from: "22:00", to: "06:00" };

describe("working hours", () => {
  it("are those of the time zone, in summer and in winter", () => {
    expect(isAtWork(office, at("2026-07-01T07:00:00Z"))).toBe(true);
    expect(isAtWork(office, at("2026-07-01T06:59:59Z"))).toBe(false);
    expect(isAtWork(office, at("2026-01-07T07:30:00Z"))).toBe(false);
    expect(isAtWork(office, at("2026-01-07T16:30:00Z"))).toBe(false);
    expect(isAtWork(null, at("2026-01-04T03:00:00Z"))).toBe(true);
  });

  it("over midnight belong to the day on which they begin", () => {
    expect(isAtWork(night, at("2026-01-02T23:00:00Z"))).toBe(true);
    expect(isAtWork(night, at("2026-01-03T05:59:00Z"))).toBe(true);
    expect(isAtWork(night, at("2026-01-03T22:30:00Z"))).toBe(false);
  });

  it("begin again after a weekend, and after the clocks went forward", () => {
    expect(nextAtWork(office, at("2026-07-03T18:00:00Z"))).toBe(at("2026-07-06T07:00:00Z"));
    expect(nextAtWork(office, at("2026-03-27T18:00:00Z"))).toBe(at("2026-03-30T07:00:00Z"));
  });

  it("are found from any moment, within eight days and an hour", () => {
    const hour = fc.integer({ min: 0, max: 23 }).map((h) => `${String(h).padStart(2, "0")}:00`);
    const hours = fc
      .record({
        timezone: fc.constantFrom(
          "UTC",
          "Europe/Berlin",
          "America/St_Johns",
          "Asia/Kathmandu",
          "Pacific/Auckland",
        ),
        days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        from: hour,
        to: hour,
      })
      .filter(({ from, to }) => from !== to);
    fc.assert(
      fc.property(hours, fc.integer({ min: at("2026-01-01"), max: at("2027-01-01") }), (shift, moment) => {
        const next = nextAtWork(shift, moment);
        expect(next).toBeGreaterThanOrEqual(moment);
        expect(isAtWork(shift, next)).toBe(true);
        expect(next - moment).toBeLessThanOrEqual((8 * 24 + 1) * 3_600_000);
      }),
      { numRuns: 200 },
    );
  });

  it("know time zones from other words", () => {
    expect(isTimezone("Europe/Berlin")).toBe(true);
    expect(isTimezone("Berlin")).toBe(false);
  });
});
