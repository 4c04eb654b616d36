import { expect, test } from "vitest";
import { formatAge, formatDuration } from "./format-duration.ts";

test.each([
  [0, "0.0s"],
  [-5, "0.0s"],
  [430, "0.4s"],
  [59_949, "59.9s"],
  [59_951, "1m 00s"],
  [185_000, "3m 05s"],
  [3_599_600, "1h 00m"],
  [3_720_000, "1h 02m"],
])("%d ms reads %s", (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});

test("ages are coarse", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  expect(formatAge("2026-01-02T00:00:00Z", now)).toBe("now");
  expect(formatAge("2026-01-01T23:59:40Z", now)).toBe("20s ago");
  expect(formatAge("2026-01-01T23:30:00Z", now)).toBe("30m ago");
  expect(formatAge("2026-01-01T00:00:00Z", now)).toBe("1d ago");
  expect(formatAge(null, now)).toBe("");
});
