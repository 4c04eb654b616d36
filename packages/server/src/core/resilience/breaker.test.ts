import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Breaker,
  type BreakerPolicy,
  beginProbe,
  type CallOutcome,
  closeBreaker,
  coolDownMs,
  defaultBreakerPolicy,
  halfOpenWhenDue,
  isPristine,
  newBreaker,
  openByHand,
  recordOutcome,
} from "./breaker.ts";

const policy = defaultBreakerPolicy;
let calls = 0;
const outcome = (kind: CallOutcome["kind"], at: number, call = `call-${calls++}`): CallOutcome => ({
  kind,
  at,
  call,
});
const after = (outcomes: readonly CallOutcome[], by: BreakerPolicy = policy, from = newBreaker(0)): Breaker =>
  outcomes.reduce((breaker, each) => recordOutcome(breaker, each, by), from);
const failures = (n: number, from = 1) => Array.from({ length: n }, (_, i) => outcome("failure", from + i));
const opened = () => after(failures(5));

describe("a closed breaker", () => {
  it("opens after five failures in a row, for a minute", () => {
    expect(after(failures(4)).state).toBe("closed");
    expect(opened()).toMatchObject({ state: "open", cause: "failures", retryAt: 5 + 60_000, openings: 1 });
  });

  it("forgets failures with a success, and is as new", () => {
    const breaker = after([...failures(4), outcome("success", 5)]);
    expect(isPristine(breaker)).toBe(true);
    expect(after(failures(4, 6), policy, breaker).state).toBe("closed");
  });

  it("keeps the failures that are later than a success which becomes known late", () => {
    const breaker = after([...failures(4), outcome("success", 2)]);
    expect(breaker.failedAt).toEqual([3, 4]);
    expect(after([outcome("failure", 1)], policy, breaker)).toEqual(breaker);
  });

  it("does not count time-outs, but opens for so many of them without a success", () => {
    const timeouts = Array.from({ length: 9 }, (_, i) => outcome("timeout", i + 1));
    expect(after(timeouts)).toMatchObject({ state: "closed", failedAt: [] });
    expect(after([...timeouts, outcome("timeout", 10)])).toMatchObject({ state: "open", cause: "timeouts" });
    expect(after([...timeouts, outcome("success", 10), outcome("timeout", 11)]).state).toBe("closed");
    const lenient = { ...policy, timeoutsInARow: null };
    expect(isPristine(after([...timeouts, ...timeouts], lenient))).toBe(true);
    const strict = { ...policy, countTimeouts: true };
    expect(after(timeouts.slice(0, 5), strict)).toMatchObject({ state: "open", cause: "failures" });
  });

  it("opens by rate, with enough calls in the window, and forgets a window that is over", () => {
    const by = { ...policy, failures: 100, rate: { share: 0.5, windowMs: 1_000, minimumCalls: 6 } };
    const mixed = [1, 2, 3].flatMap((n) => [outcome("failure", n * 10), outcome("success", n * 10 + 5)]);
    expect(after(mixed.slice(0, 5), by).state).toBe("closed");
    expect(after(mixed, by)).toMatchObject({ state: "open", cause: "rate" });
    const late = after([...mixed.slice(0, 5), outcome("success", 2_000)], by);
    expect(isPristine(late)).toBe(true);
  });

  it("takes no notice of outcomes that say nothing", () => {
    const breaker = newBreaker(0);
    expect(recordOutcome(breaker, outcome("nothing", 1), policy)).toBe(breaker);
  });
});

describe("a half-open breaker", () => {
  const halfOpen = () => halfOpenWhenDue(opened(), 5 + 60_000);

  it("is one only when the cool-down is over", () => {
    const breaker = opened();
    expect(halfOpenWhenDue(breaker, 60_004)).toBe(breaker);
    expect(halfOpen()).toMatchObject({ state: "half_open", probe: null, retryAt: null });
  });

  it("lets one probe through, whose outcome alone decides", () => {
    const probing = beginProbe(halfOpen(), "a");
    expect(probing.probe).toBe("a");
    expect(beginProbe(probing, "b")).toBe(probing);
    expect(recordOutcome(probing, outcome("success", 70_000, "other"), policy)).toBe(probing);
    expect(recordOutcome(probing, outcome("failure", 70_000, "other"), policy)).toBe(probing);
    const closed = recordOutcome(probing, outcome("success", 70_000, "a"), policy);
    expect(isPristine(closed)).toBe(true);
    for (const kind of ["failure", "timeout"] as const) {
      expect(recordOutcome(probing, outcome(kind, 70_000, "a"), policy)).toMatchObject({
        state: "open",
        cause: "probe",
        openings: 2,
        retryAt: 70_000 + 120_000,
      });
    }
    const undecided = recordOutcome(probing, outcome("nothing", 70_000, "a"), policy);
    expect(undecided).toMatchObject({ state: "half_open", probe: null });
  });

  it("cools down longer each time, up to the bound", () => {
    expect([1, 2, 3, 4, 5, 50].map((n) => coolDownMs(n, policy))).toEqual([
      60_000, 120_000, 240_000, 480_000, 600_000, 600_000,
    ]);
  });
});

describe("by hand", () => {
  it("stays open until it is closed, or for a time", () => {
    const held = openByHand(newBreaker(0), 10, null);
    expect(halfOpenWhenDue(held, Number.MAX_SAFE_INTEGER)).toBe(held);
    expect(halfOpenWhenDue(openByHand(newBreaker(0), 10, 20), 20).state).toBe("half_open");
    expect(isPristine(closeBreaker(held, 30))).toBe(true);
    // A failure from before is not held against it.
    expect(isPristine(after([outcome("failure", 30)], policy, closeBreaker(held, 30)))).toBe(true);
  });
});

const kinds = fc.constantFrom<CallOutcome["kind"]>("success", "failure", "timeout", "nothing");
const history = fc.array(kinds, { maxLength: 60 }).map((list) => list.map((kind, i) => outcome(kind, i + 1)));

describe("in a row", () => {
  it("is what a counter says that sees every outcome in its order", () => {
    fc.assert(
      fc.property(history, (outcomes) => {
        let [failed, timedOut] = [0, 0];
        let breaker = newBreaker(0);
        for (const each of outcomes) {
          if (each.kind === "success") [failed, timedOut] = [0, 0];
          if (each.kind === "failure") failed += 1;
          if (each.kind === "timeout") timedOut += 1;
          breaker = recordOutcome(breaker, each, policy);
          const mustBeOpen = failed >= policy.failures || timedOut >= (policy.timeoutsInARow as number);
          expect(breaker.state).toBe(mustBeOpen ? "open" : "closed");
          if (mustBeOpen) return;
          expect([breaker.failedAt.length, breaker.timedOutAt.length]).toEqual([failed, timedOut]);
        }
      }),
    );
  });

  it("does not depend on the order in which outcomes become known, nor on hearing of one twice", () => {
    const patient = { ...policy, failures: 1_000, timeoutsInARow: 1_000 };
    const shuffled = history.chain((outcomes) =>
      fc.tuple(
        fc.constant(outcomes),
        fc.shuffledSubarray(outcomes, { minLength: outcomes.length }),
        fc.subarray(outcomes.filter(({ kind }) => kind === "success")),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([inOrder, anyhow, successesAgain]) => {
        expect(after([...anyhow, ...successesAgain], patient)).toEqual(after(inOrder, patient));
      }),
    );
  });
});

type Step =
  | { do: "record"; kind: CallOutcome["kind"]; probe: boolean }
  | { do: "wait"; ms: number }
  | { do: "probe" }
  | { do: "open" }
  | { do: "hold" }
  | { do: "close" };
const step = fc.oneof<fc.Arbitrary<Step>[]>(
  fc.record({ do: fc.constant("record" as const), kind: kinds, probe: fc.boolean() }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 200_000 }) }),
  ...(["probe", "open", "hold", "close"] as const).map((name) => fc.constant<Step>({ do: name })),
);

describe("whatever happens", () => {
  it("keeps its promises", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let now = 0;
        let breaker = newBreaker(0);
        for (const each of steps) {
          const before = breaker;
          breaker = take(each);
          check(before, each);
        }

        function take(each: Step): Breaker {
          if (each.do === "wait") {
            now += each.ms;
            return halfOpenWhenDue(breaker, now);
          }
          if (each.do === "probe") return beginProbe(breaker, `probe-${calls++}`);
          if (each.do === "open") return openByHand(breaker, now, now + 1_000);
          if (each.do === "hold") return openByHand(breaker, now, null);
          if (each.do === "close") return closeBreaker(breaker, now);
          const call = each.probe ? (breaker.probe ?? "none") : "another";
          return recordOutcome(breaker, outcome(each.kind, ++now, call), policy);
        }

        function check(before: Breaker, each: Step): void {
          const moved = `${before.state} → ${breaker.state}`;
          expect(breaker.probe === null || breaker.state === "half_open").toBe(true);
          expect(breaker.retryAt === null || breaker.state === "open").toBe(true);
          expect((breaker.cause === null) === (breaker.state === "closed")).toBe(true);
          // One probe at a time, and a new one only when the last has said something.
          if (before.probe !== null && breaker.probe !== before.probe) expect(breaker.probe).toBeNull();
          if (moved === "open → half_open") expect(before.retryAt).toBeLessThanOrEqual(now);
          if (moved === "open → closed") expect(each.do).toBe("close");
          if (moved === "half_open → closed" && each.do !== "close")
            expect(each).toMatchObject({ do: "record", kind: "success", probe: true });
          expect(moved).not.toBe("closed → half_open");
          if (breaker.state === "open" && breaker.cause !== "operator" && breaker !== before) {
            const cool = (breaker.retryAt as number) - breaker.changedAt;
            expect(cool).toBeGreaterThanOrEqual(policy.coolDownMs);
            expect(cool).toBeLessThanOrEqual(policy.mostCoolDownMs);
          }
        }
      }),
    );
  });
});
