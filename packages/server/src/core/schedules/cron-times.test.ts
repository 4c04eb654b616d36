import { describe, expect, it } from "vitest";
import { readCron } from "./cron-times.ts";

const times = (line: string, zone: string, from: string, count: number) => {
  const cron = readCron(line, zone, Date.parse(from));
  const found: (string | null)[] = [];
  for (let at: number | null = Date.parse(from); found.length < count && at !== null; ) {
    at = cron.after(at);
    found.push(at === null ? null : new Date(at).toISOString().slice(0, 16));
  }
  return found;
};

describe("where clocks go forward (Berlin, 2030-03-31, from 2:00 to 3:00)", () => {
  it("a fixed time in the gap is the moment after it", () => {
    expect(times("30 2 * * *", "Europe/Berlin", "2030-03-29T12:00:00Z", 3)).toEqual([
      "2030-03-30T01:30",
      "2030-03-31T01:00",
      "2030-04-01T00:30",
    ]);
  });
  it("every so many minutes go on without a hole, and those of an hour that is not there are not there", () => {
    expect(times("0 * * * *", "Europe/Berlin", "2030-03-30T23:30:00Z", 3)).toEqual([
      "2030-03-31T00:00",
      "2030-03-31T01:00",
      "2030-03-31T02:00",
    ]);
    expect(times("*/30 2 * * *", "Europe/Berlin", "2030-03-30T01:10:00Z", 2)).toEqual([
      "2030-03-30T01:30",
      "2030-04-01T00:00",
    ]);
  });
});

describe("where clocks go back (Berlin, 2030-10-27, from 3:00 to 2:00)", () => {
  it("a fixed time is the first of the two", () => {
    expect(times("30 2 * * *", "Europe/Berlin", "2030-10-26T12:00:00Z", 2)).toEqual([
      "2030-10-27T00:30",
      "2030-10-28T01:30",
    ]);
  });
  it("every so many minutes are in both hours", () => {
    expect(times("*/30 2 * * *", "Europe/Berlin", "2030-10-26T22:30:00Z", 5)).toEqual([
      "2030-10-27T00:00",
      "2030-10-27T00:30",
      "2030-10-27T01:00",
      "2030-10-27T01:30",
      "2030-10-28T01:00",
    ]);
  });
});

describe("a cron line", () => {
  it("may name a day that is not in every year", () => {
    expect(times("0 0 29 2 *", "UTC", "2030-01-01T00:00:00Z", 1)).toEqual(["2032-02-29T00:00"]);
  });
  it.each([
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@yearly",
    "0 0 L * *",
    "0 9 * * MON-FRI",
    "  0  0 * * 7 ",
  ])("may be %s", (line) => {
    expect(times(line, "UTC", "2030-01-01T00:30:00Z", 1)[0]).toMatch(/^203/);
  });
  it.each([
    ["61 0 * * *", 'the minute "61" at character 1: Invalid value for minute: 61'],
    ["0 24 * * *", 'the hour "24" at character 3'],
    ["0 0 32 * *", 'the day of month "32" at character 5'],
    ["0  0 1 13 *", 'the month "13" at character 8'],
    ["0 0 * * 8", 'the day of week "8" at character 9'],
    ["*/0 0 * * *", 'the minute "*/0" at character 1'],
    ["0-5-7 0 * * *", 'the minute "0-5-7" at character 1'],
    ["0 x * * *", 'the hour "x" at character 3'],
    ["0 0 30 2 *", "never comes: no month that it names has such a day at character 5"],
    ["0 0 31 4,6,9,11 *", "never comes"],
    ["0 0 * *", "has 4 fields and not 5"],
    ["0 0 0 * * *", "has 6 fields and not 5"],
    ["2030-01-01T00:00:00 * * * *", "it is no field of a cron line"],
    ["2030-01-01T00:00:00", "has 1 fields and not 5"],
    ["   ", "has 0 fields"],
    ["@reboot", 'There is no "@reboot"'],
    ["0 ".repeat(200), "too long"],
  ])("%j is refused", (line, reason) => {
    expect(() => readCron(line, "UTC", 0)).toThrow(reason);
  });
  it("is refused in a time zone that there is not", () => {
    expect(() => readCron("@daily", "Mars/Olympus", 0)).toThrow('no time zone "Mars/Olympus"');
  });
});
