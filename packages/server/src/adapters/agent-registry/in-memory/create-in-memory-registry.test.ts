import { MusterError } from "@muster/sdk/protocol";
import { describe, expect, test } from "vitest";
import type { AgentRecord } from "../../../ports/agent-registry.ts";
import { describeAgentRegistryContract } from "../../../test/contracts/agent-registry.ts";
import { createInMemoryRegistry } from "./create-in-memory-registry.ts";

describeAgentRegistryContract("the registry in memory", () => {
  const registry = createInMemoryRegistry();
  return [registry, registry];
});

const agent = (id: string): AgentRecord => ({
  id,
  name: id,
  type: "custom",
  description: "",
  capabilities: [],
  maxConcurrency: 1,
  metadata: {},
  tenant: "*",
  status: "available",
  load: 0,
  outcomes: { successes: 0, failures: 0, at: 0 },
  registeredAt: 0,
  lastSeen: 0,
  expiresAt: 1_000,
});

describe("the registry in memory", () => {
  test("refuses whoever changes a record that it handed out", async () => {
    const registry = createInMemoryRegistry();
    await registry.put(agent("a"));
    const record = (await registry.get("a"))!;
    expect(() => {
      record.load = 5;
    }).toThrow(TypeError);
    expect(() => {
      record.outcomes.failures = 5;
    }).toThrow(TypeError);
  });

  test("takes 10,000 agents and says why it takes no more, but lets those it has come back", async () => {
    const registry = createInMemoryRegistry();
    for (let index = 0; index < 10_000; index++) await registry.put(agent(`a${index}`));
    const refusal = await registry.put(agent("one-more")).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(MusterError);
    expect(refusal).toMatchObject({ code: "limit_exceeded" });
    expect((refusal as MusterError).message).toContain("10000 agents");
    await registry.put(agent("a1"));
    await registry.remove("a2");
    await registry.put(agent("one-more"));
    expect(await registry.list(0)).toHaveLength(10_000);
  });

  test("keeps nothing of an agent whose record cannot be kept", async () => {
    const registry = createInMemoryRegistry();
    const metadata: Record<string, unknown> = {};
    metadata.self = metadata;
    await expect(registry.put({ ...agent("a"), metadata })).rejects.toThrow("circular");
    expect(await registry.get("a")).toBeUndefined();
    expect(await registry.list(0)).toEqual([]);
  });

  test("knows nobody once it is closed", async () => {
    const registry = createInMemoryRegistry();
    await registry.put(agent("a"));
    await registry.reserve([{ agentId: "a", taskId: "t" }], 0);
    await registry.close();
    expect(await registry.list(0)).toEqual([]);
    expect(await registry.reserved()).toEqual([]);
  });
});
