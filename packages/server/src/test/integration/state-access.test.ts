import { type AgentDefinition, createAgent, createClient } from "@muster/sdk";
import type { StateChange } from "@muster/sdk/protocol";
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
  const keyOf = async (tenant: string, role: "client" | "agent") =>
    (await orchestrator.keys.create({ name: `${tenant}-${role}`, role, tenant }, root)).key;
  const clientOf = async (tenant: string) => createClient({ url, apiKey: await keyOf(tenant, "client") });
  return { url, keyOf, clientOf };
}

/** Counts up a document, and answers what it saw. */
const counter: AgentDefinition = {
  name: "counter",
  maxConcurrency: 4,
  capabilities: [
    {
      name: "count",
      async handler(ctx) {
        const project = ctx.state.project("shop");
        const none = await project.get("nothing");
        await project.update<{ n: number }>("n", (content) => ({ n: (content?.n ?? 0) + 1 }));
        await project.jsonPatch("log", [{ op: "add", path: "/-", value: ctx.attempt }]);
        const { items } = await project.versions("log");
        return { none, paths: (await project.list()).items.map(({ path }) => path), versions: items.length };
      },
    },
  ],
};

test.each(["in process", "websocket", "http"] as const)("an agent uses state, connected %s", async (way) => {
  const { url, keyOf, clientOf } = await serve();
  const shop = (await clientOf("acme")).state.project("shop");
  await shop.put("log", []);
  if (way === "in process") await at.muster.agent(counter);
  else {
    const agent = createAgent(counter);
    await agent.start({ url, apiKey: await keyOf("acme", "agent"), transport: way });
    onTestFinished(() => agent.stop(0));
  }
  const client = await clientOf("acme");
  const ids = await Promise.all([1, 2, 3].map(() => client.tasks.submit({ capability: "count" })));
  const ended = await Promise.all(ids.map(({ id }) => client.tasks.wait(id)));
  expect(ended.map(({ status }) => status)).toEqual(["completed", "completed", "completed"]);
  expect(ended[0]?.output).toMatchObject({ none: null, paths: ["log", "n"] });
  expect(await shop.get("n")).toMatchObject({
    content: { n: 3 },
    writtenBy: expect.stringContaining("counter"),
  });
  expect((await shop.get("log"))?.content).toEqual([1, 1, 1]);
  expect((await (await clientOf("other")).state.project("shop").list()).items).toEqual([]);
});

/** Follows what is written while it works, until it has seen three changes. */
const watcher = (seen: StateChange[]): AgentDefinition => ({
  name: "watcher",
  capabilities: [
    {
      name: "watch",
      async handler(ctx) {
        const shop = ctx.state.project("shop");
        const stop = new AbortController();
        for await (const change of shop.watch({ after: 0, prefix: "plans/", signal: stop.signal })) {
          seen.push(change);
          if (change.version === 3) stop.abort();
        }
        return "stopped";
      },
    },
  ],
});

test.each(["in process", "websocket", "http"] as const)(
  "an agent follows state, connected %s",
  async (way) => {
    const { url, keyOf, clientOf } = await serve();
    const client = await clientOf("acme");
    const shop = client.state.project("shop");
    await shop.put("plans/a", 1);
    const seen: StateChange[] = [];
    if (way === "in process") await at.muster.agent(watcher(seen));
    else {
      const agent = createAgent(watcher(seen));
      await agent.start({ url, apiKey: await keyOf("acme", "agent"), transport: way });
      onTestFinished(() => agent.stop(0));
    }
    const { id } = await client.tasks.submit({ capability: "watch" });
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(1);
    await (await clientOf("other")).state.project("shop").put("plans/a", "another tenant's");
    await shop.put("else", 1);
    await shop.put("plans/a", 2);
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(2);
    await shop.delete("plans/a");
    expect(await client.tasks.wait(id)).toMatchObject({ status: "completed", output: "stopped" });
    expect(seen.map(({ path, version, deleted }) => [path, version, deleted])).toEqual([
      ["plans/a", 1, false],
      ["plans/a", 2, false],
      ["plans/a", 3, true],
    ]);
  },
);

test("an agent whose task is cancelled follows no more", async () => {
  const { clientOf } = await serve();
  const client = await clientOf("acme");
  const ends: unknown[] = [];
  await at.muster.agent({
    name: "watcher",
    capabilities: [
      {
        name: "watch",
        async handler(ctx) {
          try {
            for await (const _ of ctx.state.project("shop").watch());
          } catch (error) {
            ends.push(error);
            throw error;
          }
        },
      },
    ],
  });
  const { id } = await client.tasks.submit({ capability: "watch" });
  await expect.poll(async () => (await client.tasks.get(id)).status, { timeout: 10_000 }).toBe("in_progress");
  await client.tasks.cancel(id);
  await expect.poll(() => ends, { timeout: 10_000 }).toMatchObject([{ code: "lease_lost" }]);
});

test("a client reads, writes, merges, looks back and follows", async () => {
  const { clientOf } = await serve();
  const shop = (await clientOf("acme")).state.project("shop");
  const abort = new AbortController();
  const seen: StateChange[] = [];
  const watching = (async () => {
    for await (const change of shop.watch({ after: 0, prefix: "a/", signal: abort.signal })) {
      seen.push(change);
      if (seen.length === 3) abort.abort();
    }
  })();
  expect(await shop.put("a/x y".replace(" ", "-"), { a: 1, b: 1 }, { ifVersion: 0 })).toMatchObject({
    version: 1,
  });
  await expect(shop.put("a/x-y", 1, { ifVersion: 0 })).rejects.toMatchObject({
    code: "precondition_failed",
    details: { theirs: { a: 1, b: 1 } },
  });
  await shop.mergePatch("a/x-y", { b: 2 });
  const merged = await shop.put("a/x-y", { a: 2, b: 1 }, { ifVersion: 1, merge: "three-way" });
  expect(merged).toMatchObject({ version: 3, merged: true, content: { a: 2, b: 2 } });
  expect(await shop.get("a/x-y")).toMatchObject({
    version: 3,
    content: { a: 2, b: 2 },
    writtenBy: "acme-client",
  });
  expect((await shop.get("a/x-y", { version: 1 }))?.content).toEqual({ a: 1, b: 1 });
  expect((await shop.diff("a/x-y", 1, 2)).patch).toEqual([{ op: "replace", path: "/b", value: 2 }]);
  await watching;
  expect(seen.map(({ version }) => version)).toEqual([1, 2, 3]);
  const { position } = await shop.changes();
  expect(await shop.delete("a/x-y", { ifVersion: 3 })).toMatchObject({ deleted: true, version: 4 });
  expect((await shop.changes({ after: position })).items).toMatchObject([{ deleted: true }]);
  expect(await shop.get("a/x-y")).toBeNull();
});

test("the address tells what it wants, and what it takes", async () => {
  const { url, keyOf } = await serve();
  const key = await keyOf("acme", "client");
  const call = (method: string, headers: Record<string, string> = {}, body?: string, query = "") =>
    fetch(`${url}/v1/state/shop/a/b${query}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  const json = { "content-type": "application/json" };
  const created = await call("PUT", { ...json, "if-none-match": "*" }, '{"a":1}');
  expect([created.status, created.headers.get("etag")]).toEqual([200, '"1"']);
  const got = await call("GET");
  expect([await got.text(), got.headers.get("etag")]).toEqual(['{"a":1}', '"1"']);
  expect((await call("GET", { "if-none-match": '"1"' })).status).toBe(304);
  expect((await call("PUT", { ...json, "if-match": '"9"' }, "1")).status).toBe(412);
  expect((await call("PUT", { ...json, "if-match": "1" }, "1")).status).toBe(400);
  expect((await call("PUT", json, "null")).status).toBe(400);
  expect((await call("PATCH", json, "{}")).status).toBe(415);
  expect((await call("PUT", { "content-type": "application/merge-patch+json" }, "{}")).status).toBe(415);
  const patch = { "content-type": "application/json-patch+json" };
  expect((await call("PATCH", patch, '[{"op":"test","path":"/a","value":2}]')).status).toBe(409);
  expect((await call("PATCH", patch, '[{"op":"replace","path":"/a","value":2}]')).status).toBe(200);
  expect((await call("PUT", json, "1", "?lock=l")).status).toBe(400);
  expect((await call("DELETE", { "if-match": '"2"' })).status).toBe(200);
  expect((await call("GET")).status).toBe(404);
  expect((await fetch(`${url}/v1/state/shop/a/b`)).status).toBe(401);
});
