import { expect, it } from "vitest";
import type { EventRow } from "../../core/queue/statements/events.ts";
import { checkSchedules } from "./schedule-rules.ts";

const noon = Date.UTC(2026, 0, 1, 12);
const minutes = (count: number): number => noon + count * 60_000;

const event = (type: string, data: object, at = noon + 1) =>
  ({ type: `schedule.${type}`, at, data: { name: "s", ...data } }) as unknown as EventRow;
const made = event("created", {});
const start = (id: string, at: number) => event("started", { id, time: new Date(at).toISOString() });
const skip = (times: number) => event("skipped", { reason: "missed", times });

/** How often rules are broken, where work has the ids given and the next moment is so many minutes ahead. */
function count(
  events: EventRow[],
  work: string[],
  next: number,
  more: { queued?: number; touched?: boolean } = {},
) {
  const planned = new Map([["s", { at: null, touched: more.touched ?? false }]]);
  const rows = [{ name: "s", next_at: minutes(next), queued: more.queued ?? 0 }];
  return checkSchedules(
    events,
    planned,
    rows,
    work.map((id) => ({ id })),
  ).length;
}

it("takes each moment once, acted on or left out with its reason", () => {
  expect(count([made, start("a", minutes(1)), skip(1), start("b", minutes(3))], ["a", "b"], 4)).toBe(0);
  expect(count([made, start("a", minutes(1))], ["a"], 3, { queued: 1 })).toBe(0);
});

it.each([
  ["the same moment twice", [made, start("a", minutes(1)), start("b", minutes(1))], ["a", "b"], 2, 2],
  ["a moment that nobody acted on", [made, start("a", minutes(1))], ["a"], 3, 1],
  ["work that no event tells of", [made, start("a", minutes(1))], ["a", "b"], 2, 1],
  ["work that is in two events", [made, start("a", minutes(1)), start("a", minutes(2))], ["a"], 3, 1],
  ["work that is not there", [made, start("a", minutes(1))], [], 2, 1],
])("sees %s", (_, events, work, next, violations) => {
  expect(count(events, work, next)).toBe(violations);
});

it("counts no moments of a schedule that somebody interfered with", () => {
  expect(count([made], [], 9, { touched: true })).toBe(0);
});

it("takes the one moment of a schedule that has one", () => {
  const planned = new Map([["s", { at: minutes(1), touched: false }]]);
  const over = [{ name: "s", next_at: null, queued: 0 }];
  expect(checkSchedules([made, start("a", minutes(1))], planned, over, [{ id: "a" }])).toEqual([]);
  expect(checkSchedules([made], planned, over, [])).toHaveLength(1);
});
