import { MusterError } from "@muster/sdk/protocol";
import { expect, it, vi } from "vitest";
import { createInMemoryRegistry } from "../../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createDirectory } from "./directory.ts";
import { noOutcomes } from "./health.ts";
import { defaultPolicy } from "./rank.ts";

const noRollouts = { seating: () => null, mustSeat: () => false, mayGoOn: () => true };

it("goes on learning from outcomes after the registry was away", async () => {
  const registry = createInMemoryRegistry();
  const asked: string[] = [];
  vi.spyOn(registry, "get").mockImplementation(async (agentId) => {
    asked.push(agentId);
    if (asked.length === 1) throw new MusterError("unavailable", "away");
    return undefined;
  });
  const breakers = { of: () => undefined };
  const directory = createDirectory(registry, createSystemClock(), defaultPolicy, breakers, noRollouts);
  directory.recordOutcome("a", true);
  await expect.poll(() => asked.length).toBe(1);
  await expect
    .poll(() => {
      directory.recordOutcome("b", true);
      return asked;
    })
    .toContain("b");
});

it("asks each breaker once for a picture of everybody, and never again while tasks are given out", async () => {
  const registry = createInMemoryRegistry();
  const clock = createSystemClock();
  const now = clock.now();
  for (let n = 0; n < 200; n++) {
    await registry.put({
      id: `a${n}`,
      name: "a",
      type: "custom",
      description: "",
      capabilities: [{ name: "work" }],
      maxConcurrency: 5,
      metadata: {},
      tenant: "*",
      status: "available",
      load: 0,
      outcomes: noOutcomes(now),
      registeredAt: now,
      lastSeen: now,
      expiresAt: now + 60_000,
    });
  }
  let asked = 0;
  const of = () => {
    asked += 1;
    return undefined;
  };
  const roster = await createDirectory(registry, clock, defaultPolicy, { of }, noRollouts).roster();
  expect(asked).toBe(200);
  const task = { id: "t", route: "work||", tenant: "acme", priority: 5, virtual_time: 0 };
  const chosen = Array.from({ length: 500 }, () =>
    roster.choose({ ...task, preferred_agent: null, budget_id: null, avoid: null }),
  );
  expect(chosen.every((agent) => agent !== null)).toBe(true);
  expect(asked).toBe(200);
});
