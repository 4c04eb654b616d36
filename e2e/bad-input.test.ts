import { connect } from "node:net";
import { join } from "node:path";
import { type Client, isFinal } from "@muster/sdk";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { cleanUp, eventually, temporaryFolder } from "./support/processes.ts";
import { createRawClient, type RawCall, type RawClient } from "./support/raw-client.ts";
import { type ServerProcess, startFreshServer } from "./support/server-process.ts";

// A hostile client against a real server: whatever it sends gets a clear error and leaves nothing behind.

const nobody = "0190163d-8694-739b-aea5-966c26f8ad91";
const mebibyte = 1024 * 1024;

let server: ServerProcess;
let root: Client;
let call: RawClient;
/** Keys of the tenant `acme`, but for `stranger`. */
let keys: {
  admin: string;
  client: string;
  agent: string;
  stranger: string;
  strangerAgent: string;
  root: string;
};

beforeAll(async () => {
  const fresh = await startFreshServer(join(temporaryFolder(), "data"));
  server = fresh.server;
  root = fresh.client;
  call = createRawClient(server.url);
  const make = async (role: "admin" | "client" | "agent", tenant: string) =>
    (await root.keys.create({ name: `${role}-of-${tenant}`, role, tenant })).key;
  keys = {
    root: fresh.apiKey,
    admin: await make("admin", "acme"),
    client: await make("client", "acme"),
    agent: await make("agent", "acme"),
    stranger: await make("client", "strange"),
    strangerAgent: await make("agent", "strange"),
  };
}, 90_000);

afterAll(async () => {
  // Bad input is the client's fault, and no error of the server.
  expect(server.err()).not.toMatch(/"level":(50|60)/);
  await cleanUp();
});

/** Everything that a request could leave behind. */
const traces = async () => ({
  ...(await root.info()),
  tasks: (await root.tasks.list({ limit: 500 })).items.length,
  runs: (await root.runs.list({ limit: 500 })).items.length,
  agents: (await root.agents.list()).map(({ id, status, load }) => [id, status, load]),
  keys: (await root.keys.list()).length,
});

async function expectRefused(request: RawCall, status: number, code: string) {
  const answer = await call(request);
  expect(answer).toMatchObject({
    status,
    json: { status, code, detail: expect.any(String), title: expect.any(String) },
  });
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  expect(answer.json.detail).not.toMatch(/undefined|\[object|node_modules|at \w+ \(/);
  return answer.json;
}

describe("what is refused leaves nothing behind", () => {
  let before: Awaited<ReturnType<typeof traces>>;
  beforeEach(async () => {
    before = await traces();
  });
  afterEach(async () => {
    expect(await traces()).toEqual(before);
  });

  const task = (body: unknown): RawCall => ({ path: "/v1/tasks", key: keys.client, body });
  const run = (workflow: unknown, rest = {}): RawCall => ({
    path: "/v1/runs",
    key: keys.client,
    body: { workflow, ...rest },
  });
  const register = (body: unknown): RawCall => ({ path: "/v1/agents", key: keys.agent, body });
  const step = { capability: "echo" };

  test.each<[string, () => RawCall, number, string, RegExp]>([
    ["a number for a text", () => task({ capability: 1 }), 400, "invalid_request", /capability/],
    [
      "a text for a number",
      () => task({ capability: "a", timeoutMs: "1" }),
      400,
      "invalid_request",
      /timeoutMs/,
    ],
    ["a negative time", () => task({ capability: "a", delayMs: -1 }), 400, "invalid_request", /delayMs/],
    ["an unknown field", () => task({ capabillity: "a" }), 400, "invalid_request", /capabillity/],
    [
      "a priority that is none",
      () => task({ capability: "a", priority: "urgent" }),
      400,
      "invalid_request",
      /priority/,
    ],
    ["neither capability nor agent", () => task({ input: 1 }), 400, "invalid_request", /capability/],
    [
      "a bad task among good ones",
      () => task({ tasks: [{ capability: "a" }, { capability: "" }] }),
      400,
      "invalid_request",
      /1/,
    ],
    [
      "an unknown dependency",
      () => task({ capability: "a", dependsOn: ["b"] }),
      422,
      "unknown_dependency",
      /"?b"?/,
    ],
    [
      "a cycle",
      () =>
        task({
          tasks: ["a", "b"].map((ref) => ({ ref, capability: "x", dependsOn: [ref === "a" ? "b" : "a"] })),
        }),
      422,
      "cycle",
      /a.*b|b.*a/,
    ],
    [
      "a task that waits for itself",
      () => task({ tasks: [{ ref: "a", capability: "x", dependsOn: ["a"] }] }),
      422,
      "cycle",
      /a/,
    ],
    [
      "the same ref twice",
      () => task({ tasks: [1, 2].map(() => ({ ref: "a", capability: "x" })) }),
      400,
      "invalid_request",
      /a/,
    ],
    [
      "more tasks than fit",
      () => task({ tasks: Array.from({ length: 10_001 }, () => ({ capability: "a" })) }),
      400,
      "invalid_request",
      /10.?000/,
    ],
    ["a workflow that is none", () => run(7), 422, "invalid_workflow", /./],
    [
      "a workflow with an unknown key",
      () => run({ name: "w", steps: { a: { ...step, whit: {} } } }),
      422,
      "invalid_workflow",
      /whit/,
    ],
    [
      "a workflow with a cycle",
      () => run({ name: "w", steps: { a: { ...step, needs: ["a"] } } }),
      422,
      "invalid_workflow",
      /a/,
    ],
    [
      "a workflow with an unknown step",
      () => run({ name: "w", steps: { a: { ...step, needs: ["b"] } } }),
      422,
      "invalid_workflow",
      /b/,
    ],
    [
      "a bad expression",
      () => run({ name: "w", steps: { a: { ...step, when: "${{ 1 + }}" } } }),
      422,
      "invalid_workflow",
      /./,
    ],
    [
      "a missing input",
      () =>
        run({
          name: "w",
          inputs: { p: { type: "string" } },
          steps: { a: { ...step, with: { p: "${{ inputs.p }}" } } },
        }),
      422,
      "invalid_input",
      /p/,
    ],
    ["an agent without a name", () => register({ capabilities: [] }), 400, "invalid_request", /name/],
    [
      "an agent with an id like a path",
      () => register({ id: "../x", name: "a", capabilities: [] }),
      400,
      "invalid_request",
      /id/,
    ],
    [
      "a schema that is none",
      () => register({ name: "a", capabilities: [{ name: "c", inputSchema: { type: "nothing" } }] }),
      400,
      "invalid_request",
      /inputSchema/,
    ],
    [
      "a schema that points elsewhere",
      () =>
        register({ name: "a", capabilities: [{ name: "c", inputSchema: { $ref: "http://127.0.0.1/x" } }] }),
      400,
      "invalid_request",
      /inputSchema/,
    ],
    [
      "a pattern that could take for ever",
      () => register({ name: "a", capabilities: [{ name: "c", inputSchema: { pattern: "(a+)+$" } }] }),
      400,
      "invalid_request",
      /pattern/,
    ],
    [
      "a role that is none",
      () => ({ path: "/v1/keys", key: keys.root, body: { name: "k", role: "boss" } }),
      400,
      "invalid_request",
      /role/,
    ],
    [
      "an id that is none",
      () => ({ path: "/v1/tasks/1/cancel", method: "POST", key: keys.client }),
      400,
      "invalid_request",
      /id/,
    ],
    [
      "an unknown task",
      () => ({ path: `/v1/tasks/${nobody}`, key: keys.client }),
      404,
      "not_found",
      new RegExp(nobody),
    ],
    [
      "an unknown run",
      () => ({ path: `/v1/runs/${nobody}`, key: keys.client }),
      404,
      "not_found",
      new RegExp(nobody),
    ],
    ["an unknown agent", () => ({ path: "/v1/agents/ghost", key: keys.client }), 404, "not_found", /ghost/],
    ["an unknown address", () => ({ path: "/v1/nothing", key: keys.client }), 404, "not_found", /nothing/],
    [
      "a method that is not possible",
      () => ({ path: "/v1/tasks", method: "DELETE", key: keys.client }),
      405,
      "method_not_allowed",
      /DELETE/,
    ],
  ])("%s", async (_what, request, status, code, detail) => {
    const problem = await expectRefused(request(), status, code);
    expect(`${problem.detail} ${JSON.stringify(problem.errors ?? "")}`).toMatch(detail);
  });

  test.each<[string, string | Uint8Array<ArrayBuffer>, number, string]>([
    ["2 MiB", new Uint8Array(2 * mebibyte).fill(32), 413, "payload_too_large"],
    [
      "2 MiB of a good task",
      `{"capability":"a","input":"${"x".repeat(2 * mebibyte)}"}`,
      413,
      "payload_too_large",
    ],
    [
      "JSON 65 levels deep",
      `{"capability":"a","input":${"[".repeat(64)}${"]".repeat(64)}}`,
      422,
      "limit_exceeded",
    ],
    [
      "JSON 200,000 levels deep",
      `{"capability":"a","input":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
      422,
      "limit_exceeded",
    ],
    [
      "invalid UTF-8",
      Uint8Array.from([...Buffer.from('{"capability":"'), 0xc3, 0x28, ...Buffer.from('"}')]),
      400,
      "invalid_json",
    ],
    ["half of a JSON", '{"capability":"a"', 400, "invalid_json"],
    ["two JSONs", '{"capability":"a"}{"capability":"a"}', 400, "invalid_json"],
    ["__proto__", '{"capability":"a","input":{"__proto__":{"x":1}}}', 400, "invalid_json"],
    ["nothing", "", 400, "invalid_request"],
  ])("a body with %s", async (_what, raw, status, code) => {
    for (const path of ["/v1/tasks", "/v1/runs"]) {
      await expectRefused({ path, method: "POST", key: keys.client, raw }, status, code);
    }
  });

  test("wrong keys and wrong roles", async () => {
    const body = { capability: "a" };
    for (const key of [undefined, "nonsense", "mk_nonsense", keys.client.slice(0, -1), `${keys.client}x`]) {
      await expectRefused({ path: "/v1/tasks", key, body }, 401, "unauthenticated");
    }
    const wrong: [string, RawCall][] = [
      ["an agent submits", { path: "/v1/tasks", key: keys.agent, body }],
      ["an agent reads tasks", { path: "/v1/tasks", key: keys.agent }],
      ["an agent reads events", { path: "/v1/events", key: keys.agent }],
      ["an agent starts a run", { path: "/v1/runs", key: keys.agent, body: { workflow: {} } }],
      ["an agent makes keys", { path: "/v1/keys", key: keys.agent, body: { name: "k", role: "admin" } }],
      ["a client registers", { path: "/v1/agents", key: keys.client, body: { name: "a", capabilities: [] } }],
      ["a client reads keys", { path: "/v1/keys", key: keys.client }],
      [
        "a client sends an agent away",
        { path: "/v1/agents/a/status", key: keys.client, body: { status: "maintenance" } },
      ],
    ];
    for (const [what, request] of wrong) {
      const { hint } = await expectRefused(request, 403, "forbidden");
      expect(hint, what).toMatch(/role/);
    }
  });

  test("the admin of one tenant makes no keys for another one, nor sees theirs", async () => {
    const body = { name: "k", role: "admin", tenant: "strange" };
    await expectRefused({ path: "/v1/keys", key: keys.admin, body }, 403, "forbidden");
    await expectRefused(
      { path: "/v1/keys", key: keys.admin, body: { ...body, tenant: "*" } },
      403,
      "forbidden",
    );
    const { json } = await call({ path: "/v1/keys", key: keys.admin });
    expect(new Set(json.items.map(({ tenant }: { tenant: string }) => tenant))).toEqual(new Set(["acme"]));
    const theirs = (await root.keys.list()).find(({ tenant }) => tenant === "strange")!;
    await expectRefused(
      { path: `/v1/keys/${theirs.id}`, method: "DELETE", key: keys.admin },
      404,
      "not_found",
    );
  });

  test("bytes that are no HTTP", async () => {
    const { port } = server;
    for (const bytes of [
      "\0\u0001\u0002rubbish\r\n\r\n",
      "GET /v1/info HTTP/1.1\r\nhost: a b\u0000\r\n\r\n",
    ]) {
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
        let text = "";
        socket.on("data", (chunk) => {
          text += chunk;
        });
        socket.on("error", reject);
        socket.on("close", () => resolve(text));
      });
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  test.each<[string, string | Buffer, boolean, number]>([
    ["a binary frame", Buffer.from("{}"), true, 1003],
    ["no JSON", "hello", false, 1007],
    ["invalid UTF-8", Buffer.from([0x22, 0xc3, 0x28, 0x22]), false, 1007],
    ["no frame of the protocol", '{"hello":1}', false, 1008],
    ["2 MiB", "x".repeat(2 * mebibyte), false, 1009],
  ])("a WebSocket with %s is closed", async (_what, data, binary, code) => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/agents/connect`, {
      headers: { authorization: `Bearer ${keys.agent}` },
    });
    const closed = new Promise<number>((resolve, reject) => {
      socket.on("open", () => socket.send(data, { binary }));
      socket.on("error", reject);
      socket.on("close", resolve);
    });
    expect(await closed).toBe(code);
  });
});

describe("one tenant and another", () => {
  test("see nothing of each other", async () => {
    const { json } = await call({
      path: "/v1/tasks",
      key: keys.client,
      body: { capability: "theirs", input: "secret" },
    });
    const [{ id }] = json.tasks;
    const workflow = { name: "w", steps: { a: { capability: "theirs" } } };
    const started = await call({ path: "/v1/runs", key: keys.client, body: { workflow } });
    expect(started.status).toBe(201);
    const runId = started.json.id;
    const key = keys.stranger;
    const before = await traces();
    for (const path of [`/v1/tasks/${id}`, `/v1/tasks/${id}/why`, `/v1/runs/${runId}`]) {
      await expectRefused({ path, key }, 404, "not_found");
    }
    for (const path of [
      `/v1/tasks/${id}/cancel`,
      `/v1/tasks/${id}/retry`,
      `/v1/runs/${runId}/cancel`,
      `/v1/runs/${runId}/retry`,
    ]) {
      await expectRefused({ path, method: "POST", key }, 404, "not_found");
    }
    await expectRefused(
      { path: "/v1/tasks", key, body: { capability: "a", dependsOn: [id] } },
      422,
      "unknown_dependency",
    );
    for (const path of [
      "/v1/tasks",
      "/v1/runs",
      "/v1/deadlocks",
      "/v1/events",
      `/v1/events?taskId=${id}`,
      `/v1/tasks?runId=${runId}`,
    ]) {
      expect((await call({ path, key })).json.items, path).toEqual([]);
    }
    expect(await traces()).toEqual(before);
    expect((await call({ path: `/v1/tasks/${id}/cancel`, method: "POST", key: keys.client })).status).toBe(
      200,
    );
    expect((await call({ path: `/v1/runs/${runId}/cancel`, method: "POST", key: keys.client })).status).toBe(
      200,
    );
  });

  test("do not work for each other", async () => {
    const agent = await joinAs(keys.strangerAgent, "spy", [{ name: "gossip" }]);
    const { json } = await call({
      path: "/v1/tasks",
      key: keys.client,
      body: { capability: "gossip", input: "secret" },
    });
    const [{ id }] = json.tasks;
    expect(await agent.fetch(500)).toEqual([]);
    expect((await call({ path: "/v1/agents", key: keys.client })).json.items).toEqual([]);
    await expectRefused({ path: `/v1/agents/${agent.id}`, key: keys.client }, 404, "not_found");
    await call({ path: `/v1/tasks/${id}/cancel`, method: "POST", key: keys.client });
    await agent.operation("leave", {});
  });
});

interface Assignment {
  taskId: string;
  leaseToken: string;
  attempt: number;
}

/** An agent by plain HTTP that does nothing by itself. */
async function joinAs(key: string, name: string, capabilities: unknown[]) {
  const { status, json } = await call({ path: "/v1/agents", key, body: { name, capabilities } });
  expect(status).toBe(201);
  const { agentId: id, session } = json;
  const operation = (operation: string, body: unknown, as = session): RawCall => ({
    path: `/v1/agents/${id}/operations/${operation}`,
    key: as,
    body,
  });
  const fetchMessages = async (waitMs: number) => {
    const answer = await call({ path: `/v1/agents/${id}/messages?waitMs=${waitMs}`, key: session });
    return answer.json.messages as { type: string; payload: Assignment }[];
  };
  return {
    id: id as string,
    session: session as string,
    fetch: fetchMessages,
    request: operation,
    operation: (name: string, body: unknown) => call(operation(name, body)),
    nextTask: () =>
      eventually("a task comes", async () => {
        const messages = await fetchMessages(5_000);
        return messages.find(({ type }) => type === "task_request")?.payload;
      }),
  };
}

type Joined = Awaited<ReturnType<typeof joinAs>>;

describe("an agent that breaks the rules", () => {
  let agent: Joined;
  const schema = {
    type: "object",
    required: ["n"],
    properties: { n: { type: "integer" } },
    additionalProperties: false,
  };
  beforeEach(async () => {
    agent = await joinAs(keys.agent, "rogue", [{ name: "count", outputSchema: schema }]);
  });
  afterEach(async () => {
    await agent.operation("leave", {});
    const { items } = await root.tasks.list({ capability: "count", limit: 500 });
    for (const { id, status } of items) if (!isFinal(status)) await root.tasks.cancel(id);
  });

  const submit = async (body = {}) => {
    const retry = { maxAttempts: 2, delayMs: 1 };
    const { json } = await call({
      path: "/v1/tasks",
      key: keys.client,
      body: { capability: "count", retry, ...body },
    });
    return json.tasks[0].id as string;
  };
  const look = async (id: string) => (await call({ path: `/v1/tasks/${id}`, key: keys.client })).json;
  const completed = { status: "completed", output: { n: 1 } };

  test("settles with a token that was never given, or is not given any more", async () => {
    const id = await submit();
    const first = await agent.nextTask();
    expect(first.taskId).toBe(id);
    const settle = (leaseToken: string, outcome: unknown) =>
      agent.request("settle", { taskId: id, leaseToken, outcome });
    await expectRefused(settle(nobody, completed), 409, "lease_lost");
    await expectRefused(settle("abc", completed), 400, "invalid_request");
    expect(await look(id)).toMatchObject({ status: "in_progress", output: null });

    const failed = { status: "failed", error: { code: "again", message: "please" } };
    expect(await call(settle(first.leaseToken, failed))).toMatchObject({ status: 200 });
    const second = await agent.nextTask();
    expect(second).toMatchObject({ taskId: id, attempt: 2 });
    await expectRefused(settle(first.leaseToken, completed), 409, "lease_lost");
    for (const [operation, body] of [
      ["journal", { key: "k", value: 1 }],
      ["progress", { fraction: 1 }],
      ["log", { level: "info", message: "m" }],
      ["delegate", { key: "k", tasks: [{ capability: "a" }] }],
      ["wait", { taskIds: [nobody], mode: "all" }],
    ] as const) {
      const stale = agent.request(operation, { taskId: id, leaseToken: first.leaseToken, ...body });
      await expectRefused(stale, 409, "lease_lost");
    }
    expect(await look(id)).toMatchObject({ status: "in_progress", output: null });
    expect(await call(settle(second.leaseToken, completed))).toMatchObject({
      status: 200,
      json: { accepted: true },
    });
    await expectRefused(
      settle(second.leaseToken, { status: "completed", output: { n: 2 } }),
      409,
      "lease_lost",
    );
    expect(await look(id)).toMatchObject({ status: "completed", output: { n: 1 } });
    const { json } = await call({ path: `/v1/events?taskId=${id}&types=task.completed`, key: keys.client });
    expect(json.items).toHaveLength(1);
    expect((await call({ path: "/v1/tasks?capability=a", key: keys.client })).json.items).toEqual([]);
    // The tokens themselves are nobody's business.
    const shown = await Promise.all(
      [`/v1/events?taskId=${id}`, `/v1/tasks/${id}`, `/v1/tasks/${id}/why`].map((path) =>
        call({ path, key: keys.client }),
      ),
    );
    expect(JSON.stringify(shown)).not.toMatch(new RegExp(`${first.leaseToken}|${second.leaseToken}`));
  });

  test("settles a task that was cancelled", async () => {
    const id = await submit();
    const { leaseToken } = await agent.nextTask();
    await call({ path: `/v1/tasks/${id}/cancel`, method: "POST", key: keys.client });
    await expectRefused(
      agent.request("settle", { taskId: id, leaseToken, outcome: completed }),
      409,
      "lease_lost",
    );
    expect(await look(id)).toMatchObject({ status: "cancelled", output: null });
  });

  test("gives an output that breaks its schema", async () => {
    const id = await submit({ retry: { maxAttempts: 1 } });
    const { leaseToken } = await agent.nextTask();
    const outcome = { status: "completed", output: { n: "one" } };
    const { detail } = await expectRefused(
      agent.request("settle", { taskId: id, leaseToken, outcome }),
      422,
      "invalid_output",
    );
    expect(detail).toMatch(/\/n/);
    expect(await look(id)).toMatchObject({
      status: "failed",
      output: null,
      error: { code: "invalid_output" },
    });
  });

  test("speaks for another agent, or with a key in the place of its session", async () => {
    const other = await joinAs(keys.agent, "honest", [{ name: "other" }]);
    const id = await submit();
    const { leaseToken } = await agent.nextTask();
    const body = { taskId: id, leaseToken, outcome: completed };
    await expectRefused(agent.request("settle", body, other.session), 403, "forbidden");
    const answer = await call(agent.request("settle", body, keys.agent));
    expect([401, 404]).toContain(answer.status);
    await expectRefused({ path: "/v1/tasks", key: agent.session }, 401, "unauthenticated");
    expect(await look(id)).toMatchObject({ status: "in_progress" });
    await other.operation("leave", {});
  });

  test("sends what can't be stored in every field there is", async () => {
    const id = await submit();
    const lease = { taskId: id, leaseToken: (await agent.nextTask()).leaseToken };
    for (const bad of ["a\u0000b", "a\ud800b"]) {
      const requests: RawCall[] = [
        agent.request("journal", { ...lease, key: bad, value: 1 }),
        agent.request("journal", { ...lease, key: "k", value: { [bad]: bad } }),
        agent.request("delegate", { ...lease, key: bad, tasks: [{ capability: "nobody" }] }),
        agent.request("progress", { ...lease, message: bad }),
        agent.request("log", { ...lease, level: "info", message: bad, fields: { [bad]: bad } }),
        agent.request("send", { to: bad, payload: bad }),
        agent.request("broadcast", { payload: { [bad]: bad } }),
        agent.request("query", { to: bad, payload: bad, timeoutMs: 1 }),
        agent.request(
          "settle",
          { ...lease, outcome: { status: "completed", output: { [bad]: bad } } },
          "gone",
        ),
        { path: "/v1/tasks", key: keys.client, body: { capability: "nobody", input: { [bad]: bad } } },
        ...["name", "agent", "ref", "idempotencyKey"].map((field) => ({
          path: "/v1/tasks",
          key: keys.client,
          body: { capability: "nobody", [field]: bad },
        })),
        { path: "/v1/tasks", key: keys.client, body: { capability: "nobody", dependsOn: [bad] } },
        {
          path: "/v1/runs",
          key: keys.client,
          body: { workflow: { name: bad, steps: { a: withText(bad) } } },
        },
        {
          path: "/v1/runs",
          key: keys.client,
          body: { workflow: { name: "w", steps: { a: withText(bad) } }, idempotencyKey: bad },
        },
        { path: "/v1/keys", key: keys.root, body: { name: bad, role: "client" } },
        {
          path: "/v1/agents",
          key: keys.agent,
          body: { name: "n", description: bad, capabilities: [], metadata: { [bad]: bad } },
        },
        { path: `/v1/agents?name=${encodeURIComponent("a\u0000b")}`, key: keys.client },
      ];
      for (const request of requests) {
        const { status, json } = await call(request);
        expect(status, `${JSON.stringify(request)} → ${JSON.stringify(json)}`).toBeLessThan(500);
      }
    }
    const error = { code: "a\u0000b", message: "c\u0000d", details: { "e\u0000": "\ud800" } };
    const answer = await call(agent.request("settle", { ...lease, outcome: { status: "failed", error } }));
    expect(answer.status, JSON.stringify(answer.json)).toBeLessThan(500);
  });
});

const withText = (text: string) => ({ capability: "nobody", with: { text } });

test("after all this the server still works", async () => {
  const agent = await joinAs(keys.agent, "honest", [{ name: "count" }]);
  const { json } = await call({ path: "/v1/tasks", key: keys.client, body: { capability: "count" } });
  const { taskId, leaseToken } = await agent.nextTask();
  expect(taskId).toBe(json.tasks[0].id);
  await agent.operation("settle", { taskId, leaseToken, outcome: { status: "completed", output: 1 } });
  expect((await call({ path: `/v1/tasks/${taskId}`, key: keys.client })).json).toMatchObject({
    status: "completed",
    output: 1,
  });
  expect(await call({ path: "/readyz" })).toMatchObject({ status: 200 });
});
