import { expect, it } from "vitest";
import type { BreakerRow } from "../queue/statements/breakers.ts";
import { newBreaker } from "./breaker.ts";
import { createBreakerCopy } from "./breaker-copy.ts";
import { rowOf } from "./breaker-row.ts";

const row = (agentId: string, version: number, more: Partial<BreakerRow> = {}): BreakerRow => ({
  ...rowOf({ ...newBreaker(0), failedAt: [1] }, { agent_id: agentId, agent_name: agentId } as BreakerRow),
  version,
  ...more,
});
const closed = { pristine: true } as const;

it("knows the newest of what it heard, in whatever order that came", () => {
  const copy = createBreakerCopy(undefined);
  expect(copy.of("a")).toBeUndefined();
  expect(copy.take([row("a", 3, { state: "open" })]).map(({ state }) => state)).toEqual(["open"]);
  expect(copy.take([row("a", 2)])).toEqual([]);
  expect(copy.of("a")?.state).toBe("open");
  copy.take([row("a", 5, closed)]);
  expect(copy.of("a")).toBeUndefined();
  copy.take([row("a", 4, { state: "half_open" })]);
  expect(copy.of("a")).toBeUndefined();
});

it("forgets what a look does not show any more, but not what came in while it looked", async () => {
  const copy = createBreakerCopy(undefined);
  copy.take([row("gone", 1, { state: "open" }), row("there", 1)]);
  const seen = await copy.refresh(async () => {
    copy.take([row("new", 1, { state: "open" })]);
    return [row("there", 2)];
  });
  copy.take(seen);
  expect([copy.of("gone"), copy.of("there")?.version, copy.of("new")?.state]).toEqual([undefined, 2, "open"]);
});

it("tells how many are not closed, and of each change", () => {
  const told: unknown[] = [];
  const copy = createBreakerCopy({
    gauge: (name, value, labels) => told.push([name, value, labels.state]),
    count: (name, labels) => told.push([name, labels.state]),
  });
  copy.take([row("a", 1)]);
  expect(told).toEqual([]);
  copy.take([row("a", 2, { state: "open" })]);
  expect(told).toEqual([
    ["muster_breakers", 1, "open"],
    ["muster_breakers", 0, "half_open"],
    ["muster_breaker_changes", "open"],
  ]);
});

it("remembers the newest success of each agent", () => {
  const copy = createBreakerCopy(undefined);
  copy.succeeded("a", 1);
  copy.succeeded("a", 2);
  expect([copy.lastSuccess("a"), copy.lastSuccess("b")]).toEqual([2, undefined]);
});
