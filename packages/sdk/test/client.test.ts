import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Client, createClient, type Event, limits, MusterError } from "../src/index.ts";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { apiKey, FakeServer } from "./fake-server.ts";

let orchestrator: FakeOrchestrator;
let server: FakeServer;
let client: Client;

beforeEach(async () => {
  orchestrator = new FakeOrchestrator();
  server = await new FakeServer(orchestrator).start();
  client = createClient({ url: `${server.url}/`, apiKey, random: { next: () => 0 } });
});
afterEach(() => server.stop());

describe("tasks", () => {
  it("submits one task or several, and lists with a filter", async () => {
    const one = await client.tasks.submit({ capability: "work", input: 1 });
    const many = await client.tasks.submit([{ capability: "work", ref: "a" }, { capability: "work" }]);
    expect(one).toMatchObject({ id: expect.any(String), duplicate: false });
    expect(many.map(({ ref }) => ref)).toEqual(["a", null]);
    const page = await client.tasks.list({ capability: "work", limit: 2 });
    expect(page).toMatchObject({ next: null, query: { capability: "work", limit: "2" } });
    expect(page.items).toHaveLength(3);
  });

  it("sends a submission again whose answer was lost, and does not double it", async () => {
    let losses = 2;
    server.after = ({ method }) => method !== "POST" || losses-- <= 0;
    const task = await client.tasks.submit({ capability: "work" });
    expect(task.duplicate).toBe(false);
    expect(orchestrator.tasks.size).toBe(1);
    expect(server.seen.filter((line) => line === "POST /v1/tasks")).toHaveLength(3);
  });

  it("keeps the caller's own key and tells of its duplicate", async () => {
    const submission = { capability: "work", idempotencyKey: "mine" };
    const first = await client.tasks.submit(submission);
    const second = await client.tasks.submit(submission);
    expect(second).toMatchObject({ id: first.id, duplicate: true });
  });

  it("does not send a cancel twice", async () => {
    const { id } = await client.tasks.submit({ capability: "work" });
    server.before = ({ path }) => !path.endsWith("/cancel");
    await expect(client.tasks.cancel(id)).rejects.toMatchObject({ code: "unavailable" });
    expect(server.seen.filter((line) => line.endsWith("/cancel"))).toHaveLength(1);
  });

  it("waits until a task has ended", async () => {
    const { id } = await client.tasks.submit({ capability: "work" });
    const waiting = client.tasks.wait(id);
    setTimeout(() => orchestrator.finish(id, "done"), 30);
    expect(await waiting).toMatchObject({ status: "completed", output: "done" });
  });

  it("goes on waiting through a restart of the server", async () => {
    const { id } = await client.tasks.submit({ capability: "work" });
    const waiting = client.tasks.wait(id, { timeoutMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await server.stop();
    setTimeout(() => server.start(), 150);
    orchestrator.finish(id, "done");
    expect(await waiting).toMatchObject({ output: "done" });
  });

  it("gives up with timeout, or when the signal says so", async () => {
    const { id } = await client.tasks.submit({ capability: "work" });
    await expect(client.tasks.wait(id, { timeoutMs: 30 })).rejects.toMatchObject({ code: "timeout" });
    const reason = new Error("enough");
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 30);
    await expect(client.tasks.wait(id, { signal: stop.signal })).rejects.toBe(reason);
  });
});

describe("errors", () => {
  it("are what the problem document says", async () => {
    const id = "00000000-0000-4000-8000-000000000000";
    await expect(client.tasks.get(id)).rejects.toMatchObject({ code: "not_found", status: 404 });
    expect(server.seen).toHaveLength(1);
  });

  it("of a server that is busy are waited out for reads", async () => {
    let refusals = 2;
    server.before = () => {
      if (refusals-- > 0) throw new MusterError("unavailable", "starting");
      return true;
    };
    expect(await client.info()).toMatchObject({ name: "muster" });
    expect(server.seen).toHaveLength(3);
  });

  it("name the address of a server that is not there", async () => {
    await server.stop();
    await expect(client.tasks.cancel("x")).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/),
      hint: expect.stringContaining(server.url),
    });
  });

  it("tell a proxy's error page from an answer of Muster", async () => {
    const fetch = async () => new Response("<h1>Bad Gateway</h1>", { status: 502 });
    const behindProxy = createClient({ url: server.url, apiKey, fetch });
    await expect(behindProxy.tasks.cancel("x")).rejects.toMatchObject({ code: "unavailable" });
    const page = createClient({ url: server.url, apiKey, fetch: async () => new Response("<h1>Hello</h1>") });
    await expect(page.info()).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("not JSON"),
    });
  });

  it("refuse a body that is too large before it is sent", async () => {
    const large = client.tasks.submit({ capability: "work", input: "x".repeat(limits.bodyBytes) });
    await expect(large).rejects.toMatchObject({ code: "payload_too_large" });
    expect(server.seen).toEqual([]);
  });
});

describe("events.follow", () => {
  const take = async (events: AsyncIterable<Event>, count: number): Promise<number[]> => {
    const taken: number[] = [];
    for await (const { seq } of events) if (taken.push(seq) >= count) break;
    return taken;
  };

  it("gives those kept and then the new ones, over cut connections, without a gap or a repeat", async () => {
    for (let n = 0; n < 5; n++) server.emit("task.ready");
    const taking = take(client.events.follow({ after: 2 }), 30);
    for (let n = 0; n < 27; n++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (n % 9 === 4) server.cut();
      server.emit("task.ready");
    }
    expect(await taking).toEqual(Array.from({ length: 30 }, (_, index) => index + 3));
  });

  it("begins with what is new when it has no number, and ends with its signal", async () => {
    server.emit("task.ready");
    const stop = new AbortController();
    const seen: number[] = [];
    const following = (async () => {
      for await (const { seq } of client.events.follow({ signal: stop.signal })) {
        seen.push(seq);
        stop.abort();
      }
    })();
    while (!server.seen.some((line) => line.startsWith("UPGRADE")))
      await new Promise((r) => setTimeout(r, 5));
    server.emit("task.completed");
    await following;
    expect(seen).toEqual([2]);
    expect(server.seen.at(-1)).toBe("UPGRADE /v1/events/stream?after=1");
  });

  it("passes the filter on and rejects when the server refuses", async () => {
    const wrong = createClient({ url: server.url, apiKey: "wrong" });
    const following = take(
      wrong.events.follow({ after: 0, types: ["task.ready", "task.failed"], taskId: "t" }),
      1,
    );
    await expect(following).rejects.toMatchObject({ code: "unauthenticated" });
    expect(server.seen).toEqual([
      "UPGRADE /v1/events/stream?types=task.ready%2Ctask.failed&taskId=t&after=0",
    ]);
  });

  it("does not let a slow reader fill the memory", async () => {
    for (let n = 0; n < 5_000; n++) server.emit("task.ready");
    let expected = 0;
    for await (const { seq } of client.events.follow({ after: 0 })) {
      expect(seq).toBe(++expected);
      if (seq % 1_000 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      if (seq === 5_000) break;
    }
    expect(expected).toBe(5_000);
  });
});
