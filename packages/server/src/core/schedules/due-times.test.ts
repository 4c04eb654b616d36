import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { timesOf } from "./cron-times.ts";
import { dueOf, judgeOverlap, missedAfterMs, mostDue, mostQueued } from "./due-times.ts";

const minute = 60_000;
const start = Date.parse("2030-01-01T00:00:00Z");
const lines = ["* * * * *", "*/7 * * * *", "0 * * * *", "30 2 * * *"] as const;

describe("what is due", () => {
  const row = (missed: "skip" | "run-once" | "run-all") =>
    ({ cron: "*/10 * * * *", timezone: "UTC", missed, next_at: start }) as const;

  it("is one time, where somebody looks in time", () => {
    for (const missed of ["skip", "run-once", "run-all"] as const)
      expect(dueOf(row(missed), start + 500)).toEqual({
        times: [start],
        next: start + 10 * minute,
        missed: 0,
      });
  });
  it("is none, the last, or each of those that were missed", () => {
    const now = start + 35 * minute;
    const next = start + 40 * minute;
    const last = start + 30 * minute;
    expect(dueOf(row("skip"), now)).toEqual({ times: [], next, missed: 4 });
    expect(dueOf(row("run-once"), now)).toEqual({ times: [last], next, missed: 3 });
    expect(dueOf(row("run-all"), now).times).toHaveLength(4);
  });
  it("is no more than a bound, however long nobody was there", () => {
    const now = start + 3_650 * 24 * 60 * minute + 1;
    const due = dueOf(row("run-all"), now);
    expect(due.times).toHaveLength(mostDue);
    expect(due.next).toBeGreaterThan(now);
    expect((due.next as number) - now).toBeLessThanOrEqual(10 * minute);
  });
  it("is a single time as long as it was not missed, and nothing behind it", () => {
    const once = { cron: null, timezone: "UTC", missed: "skip", next_at: start } as const;
    expect(dueOf(once, start + 1)).toEqual({ times: [start], next: null, missed: 0 });
    expect(dueOf(once, start + 61_000)).toEqual({ times: [], next: null, missed: 1 });
    expect(dueOf({ ...once, missed: "run-once" }, start + 61_000).times).toEqual([start]);
  });

  it("counts each time once, whenever somebody looks", () => {
    const looks = fc.array(fc.integer({ min: 1, max: 40 * minute }), { minLength: 1, maxLength: 30 });
    const missed = fc.constantFrom("skip" as const, "run-once" as const, "run-all" as const);
    fc.assert(
      fc.property(fc.constantFrom(...lines), missed, looks, (cron, policy, gaps) => {
        const times = timesOf(cron, "UTC");
        let next = times.after(start) as number;
        const first = next;
        let now = start;
        const acted: number[] = [];
        let left = 0;
        for (const gap of gaps) {
          now += gap;
          if (next > now) continue;
          const due = dueOf({ cron, timezone: "UTC", missed: policy, next_at: next }, now);
          acted.push(...due.times);
          left += due.missed;
          expect(due.next).toBeGreaterThan(now);
          if (policy === "skip") expect(due.times.every((time) => now - time <= missedAfterMs)).toBe(true);
          next = due.next as number;
        }
        let expected = 0;
        for (let at = first; at < next; at = times.after(at) as number) expected++;
        expect(acted.length + left).toBe(expected);
        expect([...new Set(acted)].sort((a, b) => a - b)).toEqual(acted);
      }),
      { numRuns: 100 },
    );
  });
});

describe("times that overlap", () => {
  it("all start, or one, or the others wait for it", () => {
    const judge = (overlap: "allow" | "skip" | "queue", isUnderWay: boolean, queued = 0) =>
      judgeOverlap({ overlap, queued }, [1, 2, 3], isUnderWay);
    expect(judge("allow", true)).toEqual({ start: [1, 2, 3], queued: 0, overlapped: 0 });
    expect(judge("skip", false)).toEqual({ start: [1], queued: 0, overlapped: 2 });
    expect(judge("skip", true)).toEqual({ start: [], queued: 0, overlapped: 3 });
    expect(judge("queue", false)).toEqual({ start: [1], queued: 2, overlapped: 0 });
    expect(judge("queue", true)).toEqual({ start: [], queued: 3, overlapped: 0 });
    expect(judge("queue", false, 1)).toEqual({ start: [], queued: 4, overlapped: 0 });
    expect(judge("queue", true, mostQueued - 1)).toEqual({ start: [], queued: mostQueued, overlapped: 2 });
  });
});
