import { type AgentDefinition, createAgent, createClient } from "@muster/sdk";
import { expect, onTestFinished, test } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createInMemoryRateLimits } from "../../adapters/rate-limits/in-memory/create-in-memory-rate-limits.ts";
import { createApi } from "../../api/create-api.ts";
import { root } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator({ leaseMs: 5_000, heartbeatMs: 500 });

async function serve() {
  const { orchestrator } = at.muster;
  const rateLimits = createInMemoryRateLimits({ clock: createSystemClock() });
  const api = await createApi({ orchestrator, rateLimits, log: false, version: "1" });
  onTestFinished(() => api.close());
  const url = await api.listen({ host: "127.0.0.1", port: 0 });
  const keyOf = async (tenant: string, role: "admin" | "client" | "agent") =>
    (await orchestrator.keys.create({ name: `${tenant}-${role}`, role, tenant }, root)).key;
  const clientOf = async (tenant: string, role: "admin" | "client" = "client") =>
    createClient({ url, apiKey: await keyOf(tenant, role) });
  return { url, keyOf, clientOf };
}

const agentCalled = (name: string): AgentDefinition => ({
  name,
  capabilities: [
    {
      name: `learn-${name}`,
      async handler(ctx) {
        const own = await ctx.remember(`${name} likes oranges`, { metadata: { fruit: "orange" } });
        await ctx.remember("the shop sells oranges", { project: "shop" });
        const again = await ctx.remember(`${name} likes oranges`);
        const { items } = await ctx.recall("which oranges are liked?", { project: "shop" });
        const { memory } = await ctx.remember("a passing thought");
        const forgot = [await ctx.memory.forget(memory.id), await ctx.memory.forget(memory.id)];
        const listed = (await ctx.memory.list()).items.map(({ text }) => text);
        const refused = await ctx.memory.forget(String(ctx.input)).catch((error) => error.code);
        return { own, again, found: items.map((item) => item.memory.text).sort(), forgot, listed, refused };
      },
    },
  ],
});

test.each(["in process", "websocket", "http"] as const)("an agent remembers, connected %s", async (way) => {
  const { url, keyOf, clientOf } = await serve();
  for (const name of ["ann", "bob"]) {
    if (way === "in process") await at.muster.agent(agentCalled(name));
    else {
      const agent = createAgent(agentCalled(name));
      await agent.start({ url, apiKey: await keyOf("acme", "agent"), transport: way });
      onTestFinished(() => agent.stop(0));
    }
  }
  const [client, admin] = [await clientOf("acme"), await clientOf("acme", "admin")];
  const { memory: common } = await client.memory.remember({ text: "oranges are orange" });
  const { memory: secret } = await admin.memory.remember({ text: "oranges of bob", agent: "bob" });
  const [ann, bob] = await Promise.all(
    ["ann", "bob"].map(async (name) => {
      const { id } = await client.tasks.submit({
        capability: `learn-${name}`,
        input: name === "ann" ? secret.id : "no id",
      });
      return client.tasks.wait(id);
    }),
  );
  expect(ann).toMatchObject({
    status: "completed",
    output: {
      own: { created: true, memory: { scope: "agent", agent: "ann", metadata: { fruit: "orange" } } },
      again: { created: false },
      found: ["ann likes oranges", "oranges are orange", "the shop sells oranges"],
      forgot: [true, false],
      refused: false,
    },
  });
  const { listed: known } = (ann as { output: { listed: string[] } }).output;
  expect(known.sort()).toEqual(["ann likes oranges", "oranges are orange"]);
  expect(bob).toMatchObject({
    output: { found: expect.arrayContaining(["bob likes oranges", "oranges of bob"]) },
  });
  // What agents learned is the task's tenant's; clients see none of what is the agents' own.
  const listed: string[] = [];
  for await (const { text } of client.memory.export()) listed.push(text);
  expect(listed.sort()).toEqual(["oranges are orange", "the shop sells oranges"]);
  expect(await client.memory.get(common.id)).toMatchObject({ text: "oranges are orange" });
  expect((await admin.memory.list({ agent: "bob", scope: "agent" })).items).toHaveLength(2);
  expect((await (await clientOf("other", "admin")).memory.list()).items).toEqual([]);
  expect(await admin.memory.forgetAll({ scope: "agent", agent: "bob" })).toBe(2);
});

test("an attempt that lost its lease learns and tells nothing", async () => {
  const { orchestrator } = at.muster;
  let lease = { taskId: "", leaseToken: "" };
  const { agentId } = await orchestrator.gateway.register(
    { name: "late", capabilities: [{ name: "late" }] },
    root,
    (message) => {
      if (message.type === "task_request") lease = message.payload as typeof lease;
    },
  );
  const request = (operation: "remember" | "recall" | "forget" | "listMemories", body: object) =>
    orchestrator.gateway.request(agentId, operation, {
      taskId: lease.taskId,
      leaseToken: lease.leaseToken,
      ...body,
    });
  const [task] = await orchestrator.tasks.submit([{ capability: "late" }], root);
  await expect.poll(() => lease.taskId, { timeout: 10_000 }).toBe(task?.id);
  const { memory } = (await request("remember", { text: "in time" })) as { memory: { id: string } };
  await orchestrator.tasks.cancel(lease.taskId, root);
  const calls = [
    request("remember", { text: "too late" }),
    request("recall", { query: "time" }),
    request("forget", { id: memory.id }),
    request("listMemories", {}),
  ];
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: "lease_lost" });
  const { items } = await orchestrator.memories.of(root).list({});
  expect(items.map(({ text }) => text)).toEqual(["in time"]);
});
