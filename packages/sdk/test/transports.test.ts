import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Agent, createAgent } from "../src/agent/create-agent.ts";
import { createHttpTransport } from "../src/agent/http-transport.ts";
import { createWebSocketTransport } from "../src/agent/web-socket-transport.ts";
import { limits } from "../src/protocol/index.ts";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { apiKey, FakeServer } from "./fake-server.ts";
import { gate } from "./start-test-agent.ts";

const soon = { timeout: 5_000, interval: 5 };

describe.each(["websocket", "http"] as const)("over %s", (transport) => {
  let orchestrator: FakeOrchestrator;
  let server: FakeServer;
  let agent: Agent;
  let problems: Error[];
  const hold = { promise: Promise.resolve(), open: () => {} };

  beforeEach(async () => {
    orchestrator = new FakeOrchestrator({ heartbeatMs: 100 });
    server = await new FakeServer(orchestrator).start();
    problems = [];
    Object.assign(hold, gate());
    agent = createAgent(
      {
        name: "remote",
        maxConcurrency: 4,
        capabilities: [
          { name: "greet", handler: ({ input, step }) => step("greet", () => `hello ${input}`) },
          {
            name: "hold",
            handler: async () => {
              await hold.promise;
              return "kept";
            },
          },
          { name: "parent", handler: ({ delegate }) => delegate("greet", "child") },
          {
            name: "stopped",
            handler: ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
          },
        ],
        onQuery: ({ payload }) => ({ you: payload }),
      },
      { onProblem: (problem) => problems.push(problem) },
    );
    await agent.start({ url: server.url, apiKey, transport });
  });
  afterEach(async () => {
    hold.open();
    await agent.stop(100);
    await server.stop();
  });

  it("does tasks, journals, delegates and answers queries", async () => {
    const task = orchestrator.submit({ capability: "parent" });
    await vi.waitFor(() => expect(task).toMatchObject({ status: "completed", output: "hello child" }), soon);
    orchestrator.send(agent.id as string, { type: "query", from: "friend", payload: 1 });
    const reply = () => orchestrator.requests.find(({ operation }) => operation === "reply");
    await vi.waitFor(() => expect(reply()?.body.payload).toEqual({ you: 1 }), soon);
    expect(orchestrator.requests.map(({ operation }) => operation)).toContain("journal");
  });

  it("heartbeats with its leases and stops work that it is told to stop", async () => {
    const task = orchestrator.submit({ capability: "stopped" });
    await vi.waitFor(
      () => expect(orchestrator.requests.at(-1)?.body.tasks).toMatchObject([{ taskId: task.id }]),
      soon,
    );
    orchestrator.cancel(task.id);
    await vi.waitFor(() => expect(orchestrator.requests.at(-1)?.body.tasks).toEqual([]), soon);
    expect(orchestrator.accepted).toEqual([]);
  });

  it("goes on after every connection was cut, with the result it had", async () => {
    const task = orchestrator.submit({ capability: "hold" });
    await vi.waitFor(() => expect(task.status).toBe("in_progress"), soon);
    server.cut();
    hold.open();
    await vi.waitFor(
      () => expect(task).toMatchObject({ status: "completed", attempt: 1, output: "kept" }),
      soon,
    );
    const next = orchestrator.submit({ capability: "greet", input: "again" });
    await vi.waitFor(() => expect(next.output).toBe("hello again"), soon);
    expect([...orchestrator.agents.keys()]).toEqual([agent.id]);
  });

  it("comes back under its id after the server was restarted without memory of it", async () => {
    const id = agent.id as string;
    await server.stop();
    orchestrator.agents.clear();
    await new Promise((resolve) => setTimeout(resolve, 250));
    await server.start();
    await vi.waitFor(() => expect([...orchestrator.agents.keys()]).toEqual([id]), soon);
    const task = orchestrator.submit({ capability: "greet", input: "there" });
    await vi.waitFor(() => expect(task.output).toBe("hello there"), soon);
    expect(problems.length).toBeLessThanOrEqual(2);
  });

  it("leaves when it is stopped", async () => {
    await agent.stop();
    expect(orchestrator.requests.at(-1)?.operation).toBe("leave");
    expect(orchestrator.agents.size).toBe(0);
  });

  it("refuses a result that is larger than a frame may be, as a failed task", async () => {
    const big = createAgent({
      name: "big",
      capabilities: [{ name: "big", handler: () => "x".repeat(limits.bodyBytes) }],
    });
    await big.start({ url: server.url, apiKey, transport });
    const task = orchestrator.submit({ capability: "big" });
    await vi.waitFor(() => expect(task.error).toMatchObject({ code: "payload_too_large" }), soon);
    await big.stop(0);
  });
});

describe.each([
  ["WebSocket", createWebSocketTransport],
  ["HTTP", createHttpTransport],
])("the %s transport", (_, create) => {
  const registration = { name: "a", capabilities: [] };

  it("says where it could not reach a server, and what to do", async () => {
    const transport = create({ url: "http://127.0.0.1:9", apiKey });
    await expect(transport.connect(registration, () => {})).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("http://127.0.0.1:9"),
      hint: expect.stringContaining("muster up"),
    });
    await transport.close();
  });

  it("reports a wrong key as the server says it", async () => {
    const server = await new FakeServer(new FakeOrchestrator()).start();
    const transport = create({ url: server.url, apiKey: "wrong" });
    await expect(transport.connect(registration, () => {})).rejects.toMatchObject({
      code: "unauthenticated",
      message: "The key is not known.",
    });
    await transport.close();
    await server.stop();
  });

  it("refuses an address that is none", () => {
    expect(() => create({ url: "localhost:6878", apiKey })).toThrow(/not the address of a Muster server/);
  });

  it("rejects requests before it is connected", async () => {
    const transport = create({ url: "http://127.0.0.1:9", apiKey });
    await expect(transport.request("heartbeat", {})).rejects.toMatchObject({ code: "agent_unknown" });
    await transport.close();
  });
});

it("what is under way on a WebSocket that breaks rejects as unavailable", async () => {
  const orchestrator = new FakeOrchestrator();
  const server = await new FakeServer(orchestrator).start();
  orchestrator.before = (operation) => {
    if (operation === "log") server.cut();
  };
  const transport = createWebSocketTransport({ url: server.url, apiKey });
  await transport.connect({ name: "a", capabilities: [] }, () => {});
  const lease = { taskId: crypto.randomUUID(), leaseToken: crypto.randomUUID() };
  const request = transport.request("log", { ...lease, level: "info", message: "x" });
  await expect(request).rejects.toMatchObject({ code: "unavailable", retryable: true });
  await vi.waitFor(() => transport.request("heartbeat", {}), soon);
  expect(server.seen.filter((line) => line.startsWith("UPGRADE"))).toHaveLength(2);
  await transport.close();
  await server.stop();
});
