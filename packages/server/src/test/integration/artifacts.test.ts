import { createAgent, createClient } from "@muster/sdk";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createInMemoryRateLimits } from "../../adapters/rate-limits/in-memory/create-in-memory-rate-limits.ts";
import { createApi } from "../../api/create-api.ts";
import { bytesOf, cut, sha256Of } from "../contracts/blob-content.ts";
import { root } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator({ leaseMs: 2_000, heartbeatMs: 500, artifactBytes: 20_000_000 });
const megabyte = 1024 * 1024;

async function serve() {
  const { orchestrator } = at.muster;
  const rateLimits = createInMemoryRateLimits({ clock: createSystemClock() });
  const api = await createApi({
    orchestrator,
    rateLimits,
    log: false,
    version: "1",
    localKey: "local-key-of-this-test",
  });
  onTestFinished(() => api.close());
  const url = await api.listen({ host: "127.0.0.1", port: 0 });
  const keyOf = async (tenant: string, role: "client" | "agent") =>
    (await orchestrator.keys.create({ name: `${tenant}-${role}`, role, tenant }, root)).key;
  const clientOf = async (tenant: string) => createClient({ url, apiKey: await keyOf(tenant, "client") });
  return { url, keyOf, clientOf };
}

/** Reads what its input names, turns it round, and puts it beside. */
const reverser = {
  name: "reverser",
  capabilities: [
    {
      name: "reverse",
      async handler(
        ctx: Parameters<Parameters<typeof createAgent>[0]["capabilities"][number]["handler"]>[0],
      ) {
        const { key } = ctx.input as { key: string };
        const bytes = await (await ctx.artifacts.get(key)).bytes();
        const { sha256 } = await ctx.artifacts.put(`${key}.reversed`, bytes.reverse(), {
          contentType: "x/y",
        });
        const { items } = await ctx.artifacts.list({ prefix: key });
        return { sha256, keys: items.map((item) => item.key) };
      },
    },
  ],
};

describe("an agent hands on files by their keys", () => {
  const content = bytesOf(1, 5 * megabyte);
  const reversed = sha256Of(Buffer.from(content).reverse());

  test.each(["in process", "websocket", "http"] as const)("connected %s", async (way) => {
    const { url, keyOf, clientOf } = await serve();
    const client = await clientOf("acme");
    if (way === "in process") await at.muster.agent(reverser);
    else {
      const agent = createAgent(reverser);
      await agent.start({ url, apiKey: await keyOf("acme", "agent"), transport: way });
      onTestFinished(() => agent.stop(0));
    }
    await client.artifacts.put("in/file", content);
    const { id } = await client.tasks.submit({ capability: "reverse", input: { key: "in/file" } });
    expect((await client.tasks.wait(id)).output).toEqual({
      sha256: reversed,
      keys: ["in/file", "in/file.reversed"],
    });
    const download = await client.artifacts.get("in/file.reversed");
    expect(download.artifact).toMatchObject({ contentType: "x/y", bytes: content.length });
    expect(sha256Of(await download.bytes())).toBe(reversed);
  });

  test("and an agent for all tenants carries none from one to another", async () => {
    const { clientOf } = await serve();
    await at.muster.agent(reverser);
    const [acme, other] = [await clientOf("acme"), await clientOf("other")];
    await acme.artifacts.put("in/file", content);
    const task = { capability: "reverse", input: { key: "in/file" }, retry: { maxAttempts: 1 } };
    const { id } = await other.tasks.submit(task);
    expect((await other.tasks.wait(id)).error).toMatchObject({ code: "not_found" });
    expect((await other.artifacts.list()).items).toEqual([]);
  });

  test("but not once its lease is lost, however much of the file it has sent", async () => {
    const { clientOf } = await serve();
    const client = await clientOf("acme");
    let ended: Promise<unknown> = Promise.resolve();
    await at.muster.agent({
      name: "late",
      capabilities: [
        {
          name: "late",
          handler: (ctx) => {
            async function* slowly(): AsyncGenerator<Uint8Array> {
              yield content;
              await client.tasks.cancel(ctx.taskId);
              yield content;
            }
            ended = ctx.artifacts.put("late", slowly());
            return ended;
          },
        },
      ],
    });
    const { id } = await client.tasks.submit({ capability: "late" });
    await client.tasks.wait(id);
    await expect(ended).rejects.toMatchObject({ code: "lease_lost" });
    expect(await client.artifacts.head("late")).toBeNull();
  });
});

describe("a client's artifacts", () => {
  test.each([
    ["a text", () => "grüße"],
    ["bytes", () => Buffer.from("grüße")],
    ["a stream", () => cut(Buffer.from("grüße"), [1, 2])],
    ["a function that makes a stream", () => () => cut(Buffer.from("grüße"), [3])],
  ])("are put from %s", async (_, source) => {
    const client = await (await serve()).clientOf("acme");
    const progress: number[] = [];
    const onProgress = (bytes: number) => progress.push(bytes);
    expect(await client.artifacts.put("k", source(), { onProgress })).toMatchObject({ key: "k", bytes: 7 });
    expect(progress.at(-1)).toBe(7);
    expect(await (await client.artifacts.get("k")).text()).toBe("grüße");
    expect((await client.artifacts.head("k"))?.bytes).toBe(7);
    const part = await client.artifacts.get("k", { range: { start: 0, end: 1 } });
    expect(await part.text()).toBe("gr");
    await client.artifacts.delete("k");
    expect(await client.artifacts.head("k")).toBeNull();
    await expect(client.artifacts.get("k")).rejects.toMatchObject({ code: "not_found" });
  });

  test("fail with the failure of their source, or with the refusal of the server", async () => {
    const client = await (await serve()).clientOf("acme");
    const failure = new Error("The source broke.");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytesOf(1, megabyte);
      throw failure;
    }
    await expect(client.artifacts.put("k", broken())).rejects.toBe(failure);
    const tooLarge = { code: "payload_too_large" };
    await expect(client.artifacts.put("../k", "x")).rejects.toMatchObject({ retryable: false });
    expect((await client.artifacts.list()).items).toEqual([]);
    await client.artifacts.put("k", "12345");
    await expect((await client.artifacts.get("k")).bytes(4)).rejects.toMatchObject(tooLarge);
  });

  test("are sent again when the server was away, and found out when they changed on the way", async () => {
    const { url, keyOf } = await serve();
    let away = 1;
    const fetchBadly: typeof fetch = async (where, init) => {
      if (away-- > 0) throw new TypeError("fetch failed");
      const answer = await fetch(where, init);
      if (init?.method !== "GET" || !answer.ok) return answer;
      const bytes = new Uint8Array(await answer.arrayBuffer());
      bytes[0] = (bytes[0] as number) ^ 1;
      return new Response(bytes, { headers: answer.headers });
    };
    const client = createClient({ url, apiKey: await keyOf("acme", "client"), fetch: fetchBadly });
    await client.artifacts.put("k", "content");
    const download = await client.artifacts.get("k");
    await expect(download.text()).rejects.toMatchObject({ code: "content_damaged" });
    away = 1;
    await expect(client.artifacts.put("k", cut(Buffer.from("x")))).rejects.toMatchObject({
      code: "unavailable",
    });
  });
});
