import { expect, test } from "vitest";
import { readRule } from "./backup-rule.ts";

const now = Date.parse("2030-03-30T12:00:30Z");
const after = (rule: ReturnType<typeof readRule>, moment = now) =>
  new Date(rule?.after(moment) ?? Number.NaN).toISOString();

test("an interval is its full multiples", () => {
  const rule = readRule({ everyMs: 3_600_000 }, now);
  expect(after(rule)).toBe("2030-03-30T13:00:00.000Z");
  expect(after(rule, Date.parse("2030-03-30T13:00:00Z"))).toBe("2030-03-30T14:00:00.000Z");
});

test("a cron line is meant in its time zone, also when clocks change", () => {
  const rule = readRule({ everyMs: 0, cron: "30  4 * * *", timezone: "Europe/Berlin" }, now);
  expect(after(rule)).toBe("2030-03-31T02:30:00.000Z");
  expect(after(rule, Date.parse("2030-03-30T02:00:00Z"))).toBe("2030-03-30T03:30:00.000Z");
  expect(rule?.text).toBe("30 4 * * * Europe/Berlin");
});

test("without either there is none", () => {
  expect(readRule({ everyMs: 0 }, now)).toBeNull();
});

test.each([
  [{ everyMs: 1_000, cron: "@daily" }, "not by both"],
  [{ everyMs: 0, cron: "61 * * * *" }, "wrong in the minute"],
  [{ everyMs: 0, cron: "0 0 30 2 *" }, "never comes"],
  [{ everyMs: 0, cron: "@daily", timezone: "Mars/Olympus" }, "no time zone"],
])("%j is refused", (settings, reason) => {
  expect(() => readRule(settings, now)).toThrow(reason);
});
