import { expect, it, vi } from "vitest";
import { createInMemoryRegistry } from "../../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import type { AgentRecord } from "../../ports/agent-registry.ts";
import type { Database } from "../../ports/database.ts";
import { createReconcile } from "./reconcile.ts";

const record: AgentRecord = {
  id: "worker",
  name: "worker",
  type: "custom",
  description: "",
  capabilities: [],
  maxConcurrency: 2,
  metadata: {},
  tenant: "*",
  status: "available",
  load: 0,
  outcomes: { successes: 0, failures: 0, at: 0 },
  registeredAt: 0,
  lastSeen: 0,
  expiresAt: 1_000_000,
};

async function setUp(leased: string[] = []) {
  const registry = createInMemoryRegistry();
  await registry.put(record);
  let now = 0;
  const clock = { now: () => now, setTimer: () => ({ cancel() {} }) };
  const announce = vi.fn();
  const query = async () => leased.map((id) => ({ id, agent_id: record.id }));
  const database = { query } as unknown as Database;
  const reconcile = createReconcile({ database, registry, clock, announce });
  const lookAt = async (at: number) => {
    now = at;
    await reconcile();
  };
  return { registry, announce, lookAt };
}

const slot = { agentId: "worker", taskId: "one" };

it("a slot that no lease proves is given back once no claim can be under way", async () => {
  const { registry, announce, lookAt } = await setUp();
  await registry.reserve([slot], 0);
  // Two looks right after each other, as after a stop of the whole process, are one.
  for (const at of [0, 20, 4_999]) await lookAt(at);
  expect(announce).not.toHaveBeenCalled();
  await lookAt(5_000);
  expect(announce).toHaveBeenCalledExactlyOnceWith({ freed: [slot] });
});

it("a slot that was proven in between is looked at anew", async () => {
  const leased: string[] = [];
  const { registry, announce, lookAt } = await setUp(leased);
  await registry.reserve([slot], 0);
  await lookAt(0);
  leased.push("one");
  await lookAt(3_000);
  leased.pop();
  await lookAt(6_000);
  expect(announce).not.toHaveBeenCalled();
  await lookAt(11_000);
  expect(announce).toHaveBeenCalledTimes(1);
});

it("a lease whose slot is not known gets one", async () => {
  const { registry, lookAt } = await setUp(["two"]);
  await lookAt(0);
  expect(await registry.reserved()).toEqual([{ agentId: "worker", taskId: "two" }]);
});
