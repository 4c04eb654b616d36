import fc from "fast-check";
import { expect, it } from "vitest";
import {
  available,
  type BudgetState,
  budgetAt,
  credit,
  fullBudget,
  nextRetryAt,
  withdraw,
} from "./retry-budget.ts";

const budgets = fc.record({
  perMinute: fc.integer({ min: 1, max: 10_000 }),
  share: fc.double({ min: 0, max: 2, noNaN: true }),
});
const moves = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 90_000 }), wanted: fc.nat(500), completed: fc.nat(500) }),
  { maxLength: 40 },
);
const opened = (perMinute: number): BudgetState => ({ saved: perMinute, earned: 0, at: 0 });

it("over any time there are at most a minute's retries, those of the time, and the share of what was completed", () => {
  fc.assert(
    fc.property(budgets, moves, (budget, script) => {
      let state = opened(budget.perMinute);
      let [now, gone, completed] = [0, 0, 0];
      for (const move of script) {
        now += move.afterMs;
        state = credit(budgetAt(state, budget, now), budget, move.completed);
        completed += move.completed;
        const passed = Math.min(move.wanted, available(state));
        state = withdraw(state, passed);
        gone += passed;
        const most = budget.perMinute * (1 + now / 60_000) + budget.share * completed;
        expect(gone).toBeLessThanOrEqual(most + 0.001);
      }
    }),
  );
});

it("whoever waits gets the next retry at the time that was said, or before", () => {
  fc.assert(
    fc.property(budgets, fc.nat(3_000), fc.nat(100), (budget, passedMs, completed) => {
      const started = credit(budgetAt(opened(budget.perMinute), budget, passedMs), budget, completed);
      const empty = withdraw(started, available(started));
      const at = nextRetryAt(empty, budget);
      expect(at - passedMs).toBeLessThanOrEqual(Math.ceil(60_000 / budget.perMinute));
      expect(available(budgetAt(empty, budget, at))).toBeGreaterThanOrEqual(1);
    }),
  );
});

it("what was completed long ago is worth nothing", () => {
  const budget = fullBudget({ perMinute: 1, share: 1 });
  const rich = credit(opened(1), budget, 1_000);
  expect(available(rich)).toBe(1_001);
  expect(available(budgetAt(rich, budget, 60_000))).toBe(501);
  expect(available(budgetAt(rich, budget, 3_600_000))).toBe(1);
});
