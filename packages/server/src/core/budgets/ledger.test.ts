import fc from "fast-check";
import { expect, it } from "vitest";
import { type Account, type Call, enter } from "./ledger.ts";

const account = (id: string, money_limit: number | null, token_limit: number | null): Account => ({
  id,
  on_reached: "fail",
  money_limit,
  token_limit,
  money_spent: 0,
  token_spent: 0,
  money_reserved: 0,
  token_reserved: 0,
  reached: null,
});

const amount = fc.record({ money: fc.nat(20), tokens: fc.nat(20) });
const said = fc.record({
  key: fc.nat(9),
  inner: fc.boolean(),
  most: amount,
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});
const limit = fc.option(fc.integer({ min: 1, max: 100 }));

it("never spends beyond a limit where calls are reserved first and cost no more, and counts each call once", () => {
  fc.assert(
    fc.property(limit, limit, limit, fc.array(said, { maxLength: 60 }), (whole, tokens, part, reports) => {
      const root = account("root", whole, tokens);
      const sub = account("sub", part, null);
      const calls = new Map<string, Call & { inner: boolean }>();
      for (const { key, inner: asked, most, share } of reports) {
        const name = `${key}`;
        const known = calls.get(name);
        const inner = known?.inner ?? asked;
        const path = inner ? [root, sub] : [root];
        const used =
          known?.open === true
            ? { money: Math.floor(known.money * share), tokens: Math.floor(known.tokens * share) }
            : most;
        // What was settled is said again now and then; nothing is spent that was not reserved.
        const entry = enter(path, known, { kind: known === undefined ? "reserve" : "spent", amount: used });
        if (entry.answer !== null && entry.fresh) calls.set(name, { ...entry.call, inner });
        for (const one of [root, sub]) {
          const own = [...calls.values()].filter((call) => one === root || call.inner);
          const total = (pick: (call: Call) => number) => own.reduce((sum, call) => sum + pick(call), 0);
          expect(one.money_spent).toBe(total((call) => (call.open ? 0 : call.money)));
          expect(one.money_reserved).toBe(total((call) => (call.open ? call.money : 0)));
          expect(one.token_spent).toBe(total((call) => (call.open ? 0 : call.tokens)));
          expect(one.money_spent + one.money_reserved).toBeLessThanOrEqual(one.money_limit ?? Infinity);
          expect(one.token_spent + one.token_reserved).toBeLessThanOrEqual(one.token_limit ?? Infinity);
        }
      }
    }),
  );
});

it("counts money that is gone even where it goes beyond, and refuses what comes after", () => {
  const root = account("root", 10, null);
  enter([root], undefined, { kind: "spent", amount: { money: 15, tokens: 0 } });
  expect(root).toMatchObject({ money_spent: 15, reached: "money" });
  const { answer } = enter([root], undefined, { kind: "reserve", amount: { money: 0, tokens: 1 } });
  expect(answer).toMatchObject({ granted: false, reached: "money", left: { moneyMicros: 0, tokens: null } });
});

it("says to ask again where only calls under way leave no room", () => {
  const root = account("root", 10, null);
  enter([root], undefined, { kind: "reserve", amount: { money: 8, tokens: 0 } });
  const { answer } = enter([root], undefined, { kind: "reserve", amount: { money: 5, tokens: 0 } });
  expect(answer).toMatchObject({ granted: false, reached: null, retryAfterMs: 500 });
});
