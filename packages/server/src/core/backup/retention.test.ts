import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DatedBackup, keepBackups } from "./retention.ts";

const dayMs = 24 * 3_600_000;
const backup = fc.record({
  at: fc.integer({ min: 0, max: 100 * dayMs }),
  verifiedAt: fc.option(fc.integer({ min: 0, max: 100 * dayMs }), { nil: null }),
});
const backups = fc
  .array(backup, { maxLength: 60 })
  .map((list) => list.map((one, index): DatedBackup => ({ id: `b${index}`, ...one })));
const retention = fc.record({
  hourly: fc.nat({ max: 10 }),
  daily: fc.nat({ max: 10 }),
  weekly: fc.nat({ max: 10 }),
});
const newest = (list: readonly DatedBackup[]) => Math.max(...list.map(({ at }) => at));

describe("retention", () => {
  it("never removes the newest, nor the newest of those that were verified", () =>
    fc.assert(
      fc.property(backups, retention, (list, numbers) => {
        const kept = keepBackups(list, numbers);
        const keeps = (some: readonly DatedBackup[]) =>
          some.length === 0 || some.some(({ id, at }) => kept.has(id) && at === newest(some));
        expect(keeps(list)).toBe(true);
        expect(keeps(list.filter(({ verifiedAt }) => verifiedAt !== null))).toBe(true);
      }),
    ));

  it("keeps no more than the numbers allow, and two", () =>
    fc.assert(
      fc.property(backups, retention, (list, numbers) => {
        expect(keepBackups(list, numbers).size).toBeLessThanOrEqual(
          numbers.hourly + numbers.daily + numbers.weekly + 2,
        );
      }),
    ));

  it("keeps the newest of each day that counts, and does not depend on the order of the list", () =>
    fc.assert(
      fc.property(backups, fc.nat({ max: 10 }), (list, daily) => {
        const numbers = { hourly: 0, daily, weekly: 0 };
        const kept = keepBackups(list, numbers);
        expect(new Set(keepBackups([...list].reverse(), numbers).keys())).toEqual(new Set(kept.keys()));
        const days = [...new Set(list.map(({ at }) => Math.floor(at / dayMs)))].sort((a, b) => b - a);
        for (const day of days.slice(0, daily)) {
          const those = list.filter(({ at }) => Math.floor(at / dayMs) === day);
          expect(those.some(({ id, at }) => kept.has(id) && at === newest(those))).toBe(true);
        }
      }),
    ));

  it("applied again removes nothing more", () =>
    fc.assert(
      fc.property(backups, retention, (list, numbers) => {
        const kept = keepBackups(list, numbers);
        const left = list.filter(({ id }) => kept.has(id));
        expect([...keepBackups(left, numbers).keys()].sort()).toEqual([...kept.keys()].sort());
      }),
    ));

  it("reckons weeks from Monday", () => {
    const at = (text: string) => Date.parse(text);
    const list = ["2026-11-22T23:00:00Z", "2026-11-23T01:00:00Z", "2026-11-16T01:00:00Z"].map(
      (text, index) => ({
        id: `b${index}`,
        at: at(text),
        verifiedAt: null,
      }),
    );
    expect([...keepBackups(list, { hourly: 0, daily: 0, weekly: 2 }).keys()]).toEqual(["b1", "b0"]);
  });
});
