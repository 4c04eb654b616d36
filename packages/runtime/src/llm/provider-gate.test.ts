import { expect, test } from "vitest";
import { type Clock, hostClock } from "../clock.ts";
import { createProviderGate } from "./provider-gate.ts";
import { createInMemoryCells } from "./shared/in-memory-cells.ts";

const limits = { requestsPerMinute: 2, tokensPerMinute: 1_000 };

/** Time that passes only when the test says so. */
function stillClock(): Clock & { pass(ms: number): void } {
  let at = hostClock.now();
  return {
    ...hostClock,
    now: () => at,
    pass(ms) {
      at += ms;
    },
  };
}

function world(provider: { requestsPerMinute?: number; tokensPerMinute?: number } = limits) {
  const clock = stillClock();
  const cells = createInMemoryCells({ clock });
  const gate = (account = "a:1") => createProviderGate({ account, provider, cells });
  return { clock, gate, nodes: [gate(), gate()] as const };
}
const ask = (call: string, tokens = 10, mostWaitMs = 0) => ({ call, model: "m", tokens, mostWaitMs });
const left = (call: string, more: object = {}) => ({
  call,
  model: "m",
  verdict: "success" as const,
  thoughtTokens: 10,
  usedTokens: 10,
  wasMade: true,
  ...more,
});

test("nodes count together, each account for itself", async () => {
  const { nodes, gate } = world();
  expect(await nodes[0].enter(ask("1"))).toMatchObject({ isAdmitted: true });
  expect(await nodes[1].enter(ask("2"))).toMatchObject({ isAdmitted: true });
  const refused = await nodes[0].enter(ask("3"));
  expect(refused).toMatchObject({ isAdmitted: false, why: "limit" });
  expect(refused.waitMs).toBeGreaterThan(29_000);
  expect(await nodes[0].enter(ask("4", 10, 60_000))).toMatchObject({
    isAdmitted: true,
    waitMs: refused.waitMs,
  });
  expect(await gate("b:1").enter(ask("5"))).toMatchObject({ isAdmitted: true });
});

test("what a call really used is taken from the limit, and one that was not made takes nothing", async () => {
  const { nodes } = world({ tokensPerMinute: 1_000 });
  await nodes[0].enter(ask("1", 100));
  await nodes[0].leave(left("1", { thoughtTokens: 100, usedTokens: 900 }));
  expect(await nodes[1].enter(ask("2", 200))).toMatchObject({ isAdmitted: false, why: "limit" });
  const one = world({ requestsPerMinute: 1 });
  await one.nodes[0].enter(ask("1"));
  await one.nodes[0].leave(left("1", { verdict: "nothing", wasMade: false, usedTokens: 0 }));
  expect(await one.nodes[1].enter(ask("2"))).toMatchObject({ isAdmitted: true });
});

test("a model that asked to be left alone is, by all nodes, and others of the same provider are not", async () => {
  const { nodes, clock } = world();
  await nodes[0].enter(ask("1"));
  await nodes[0].leave(left("1", { verdict: "nothing", restMs: 5_000 }));
  expect(await nodes[1].enter(ask("2"))).toMatchObject({ isAdmitted: false, why: "resting" });
  expect(await nodes[1].look("m")).toMatchObject({ state: "resting" });
  expect(await nodes[1].look("other")).toMatchObject({ state: "free" });
  clock.pass(5_001);
  expect(await nodes[1].enter(ask("3"))).toMatchObject({ isAdmitted: true });
});

test("no provider can send everybody away for days", async () => {
  const { nodes } = world();
  await nodes[0].leave(left("1", { restMs: Number.MAX_SAFE_INTEGER }));
  expect((await nodes[1].look("m")).waitMs).toBeLessThanOrEqual(600_000);
});

test("the breaker is one for all nodes, and the call that finds out opens it for all at its first sign of life", async () => {
  const { nodes, clock } = world({});
  for (let call = 0; call < 5; call++) {
    await nodes[call % 2 ? 0 : 1].enter(ask(`${call}`));
    await nodes[0].leave(left(`${call}`, { verdict: "failure" }));
  }
  expect(await nodes[1].enter(ask("5"))).toMatchObject({ isAdmitted: false, why: "breaker" });
  clock.pass(10_001);
  expect(await nodes[1].enter(ask("probe"))).toMatchObject({ isAdmitted: true, isProbe: true });
  expect(await nodes[0].enter(ask("6"))).toMatchObject({ isAdmitted: false, why: "breaker" });
  await nodes[1].prove("probe");
  expect(await nodes[0].enter(ask("7"))).toMatchObject({ isAdmitted: true, isProbe: false });
});
