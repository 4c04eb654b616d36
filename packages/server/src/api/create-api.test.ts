import { Ajv2020 } from "ajv/dist/2020.js";
import addFormatsModule from "ajv-formats";
import { describe, expect, test } from "vitest";
import { keys } from "../test/fake-orchestrator.ts";
import { asAgent, asClient, asRoot, bearer, localKey, startFake } from "../test/serve-fake.ts";
import type { Api } from "./create-api.ts";

const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default;
const noTask = "0190163d-8694-739b-aea5-966c26f8ad91";

interface Call {
  method?: "GET" | "POST" | "DELETE" | "PUT" | "HEAD" | "PATCH" | "OPTIONS";
  url: string;
  as?: { authorization?: string };
  body?: unknown;
  headers?: Record<string, string>;
}

/** One request; whatever it answers must be what /openapi.json says of that address. */
function caller(api: Api) {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  return async ({ method = "GET", url, as = {}, body, headers = {} }: Call) => {
    const response = await api.inject({
      method,
      url,
      headers: { ...as, ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const json = response.body === "" ? undefined : response.json();
    if (response.statusCode < 400 && method !== "HEAD")
      await mustMatchDocument(api, ajv, method, url, response.statusCode, json);
    else if (json !== undefined)
      expect(json).toMatchObject({ status: response.statusCode, code: expect.any(String) });
    return { status: response.statusCode, json, headers: response.headers };
  };
}

async function mustMatchDocument(
  api: Api,
  ajv: Ajv2020,
  method: string,
  url: string,
  status: number,
  json: unknown,
) {
  const document = (await api.inject("/openapi.json")).json();
  if (ajv.getSchema("document") === undefined) ajv.addSchema(document, "document");
  const path = Object.keys(document.paths)
    .sort((a, b) => a.split("{").length - b.split("{").length)
    .find((pattern) => new RegExp(`^${pattern.replace(/\{\w+\}/g, "[^/]+")}$`).test(url.split("?")[0] ?? ""));
  const pointer = [
    "paths",
    path,
    method.toLowerCase(),
    "responses",
    status,
    "content",
    "application/json",
    "schema",
  ]
    .map((part) => encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1")))
    .join("/");
  const valid = ajv.validate(`document#/${pointer}`, json);
  expect(ajv.errors ?? [], `${method} ${url}`).toEqual([]);
  expect(valid).toBe(true);
}

const submit = async (call: ReturnType<typeof caller>, as = asClient): Promise<string> => {
  const { json } = await call({ method: "POST", url: "/v1/tasks", as, body: { capability: "echo" } });
  return json.tasks[0].id;
};

describe("tasks", () => {
  test("are submitted one at a time or many at once, read, listed, explained, cancelled and retried", async () => {
    const { api } = await startFake();
    const call = caller(api);
    const id = await submit(call);
    const body = {
      tasks: [
        { ref: "a", capability: "x" },
        { capability: "y", dependsOn: ["a"] },
      ],
    };
    const many = await call({ method: "POST", url: "/v1/tasks", as: asClient, body });
    expect(many).toMatchObject({
      status: 201,
      json: { tasks: [{ ref: "a" }, { ref: null, status: "blocked" }] },
    });
    expect((await call({ url: `/v1/tasks/${id}`, as: asClient })).json).toMatchObject({ id, tenant: "acme" });
    expect((await call({ url: "/v1/tasks?status=ready&limit=1", as: asClient })).json.items).toHaveLength(1);
    expect((await call({ url: `/v1/tasks/${id}/why`, as: asClient })).json.taskId).toBe(id);
    expect((await call({ url: "/v1/deadlocks", as: asClient })).json).toEqual({ items: [] });
    const cancel = { method: "POST", url: `/v1/tasks/${id}/cancel`, as: asClient } as const;
    expect((await call(cancel)).json).toEqual({ cancelled: [id], stopped: [] });
    expect(await call(cancel)).toMatchObject({ status: 409, json: { code: "not_cancellable" } });
    const retry = await call({ method: "POST", url: `/v1/tasks/${id}/retry`, as: asClient, body: {} });
    expect(retry).toMatchObject({ status: 200, json: { status: "ready" } });
  });

  test("are waited for, and answered when they end or when the time is over", async () => {
    const { api, fake } = await startFake();
    const call = caller(api);
    const id = await submit(call);
    expect((await call({ url: `/v1/tasks/${id}?waitMs=20`, as: asClient })).json.status).toBe("ready");
    const waiting = call({ url: `/v1/tasks/${id}?waitMs=60000`, as: asClient });
    setTimeout(() => fake.complete(id, 42), 20);
    expect((await waiting).json).toMatchObject({ status: "completed", output: 42 });
  });

  test("of another tenant are not there", async () => {
    const { api } = await startFake();
    const call = caller(api);
    const id = await submit(call);
    const as = bearer(keys.otherClient);
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "?waitMs=10"],
      ["GET", "/why"],
      ["POST", "/cancel"],
    ] as const) {
      expect(await call({ method, url: `/v1/tasks/${id}${path}`, as })).toMatchObject({ status: 404 });
    }
    expect((await call({ url: "/v1/tasks", as })).json.items).toEqual([]);
    expect((await call({ url: `/v1/tasks/${id}`, as: asRoot })).status).toBe(200);
  });
});

test("runs are started, read, listed, cancelled and retried", async () => {
  const { api } = await startFake();
  const call = caller(api);
  const started = await call({
    method: "POST",
    url: "/v1/runs",
    as: asClient,
    body: { workflow: { name: "w" } },
  });
  expect(started).toMatchObject({ status: 201, json: { workflow: "w", status: "running" } });
  const url = `/v1/runs/${started.json.id}`;
  expect((await call({ url: `${url}?waitMs=10`, as: asClient })).json.tasks).toEqual([]);
  expect((await call({ url: "/v1/runs?status=running&workflow=w", as: asClient })).json.items).toHaveLength(
    1,
  );
  expect((await call({ method: "POST", url: `${url}/retry`, as: asClient })).json.code).toBe("not_retryable");
  expect((await call({ method: "POST", url: `${url}/cancel`, as: asClient })).status).toBe(200);
  expect((await call({ method: "POST", url: `${url}/retry`, as: asClient })).json.status).toBe("running");
  const bad = await call({ method: "POST", url: "/v1/runs", as: asClient, body: { workflow: 1 } });
  expect(bad).toMatchObject({ status: 422, json: { code: "invalid_workflow" } });
});

test("agents register, are found, put into maintenance, and work with their session", async () => {
  const { api, fake } = await startFake();
  const call = caller(api);
  const body = { id: "a1", name: "one", capabilities: [{ name: "echo" }] };
  const { status, json: session } = await call({ method: "POST", url: "/v1/agents", as: asAgent, body });
  expect(status).toBe(201);
  expect(
    (await call({ url: "/v1/agents?capability=echo&tools=git,%20node", as: asAgent })).json.items,
  ).toHaveLength(1);
  expect((await call({ url: "/v1/agents?capability=other", as: asClient })).json.items).toEqual([]);
  expect((await call({ url: "/v1/agents/a1", as: asClient })).json.name).toBe("one");
  const change = { method: "POST", url: "/v1/agents/a1/status", body: { status: "maintenance" } } as const;
  expect((await call({ ...change, as: asRoot })).json.status).toBe("maintenance");

  const as = bearer(session.session);
  const operation = (name: string, request?: unknown) =>
    call({ method: "POST", url: `/v1/agents/a1/operations/${name}`, as, body: request });
  expect((await operation("heartbeat")).json).toEqual({ lost: [] });
  expect((await operation("send", { to: "b", payload: 1 })).status).toBe(200);
  expect(await operation("sned", {})).toMatchObject({
    status: 404,
    json: { hint: expect.stringContaining("send") },
  });
  expect(await operation("send", { to: "b" })).toMatchObject({
    status: 400,
    json: { errors: [{ path: "/payload" }] },
  });
  fake.deliver("a1", { hello: 1 });
  fake.deliver("a1", { hello: 2 });
  const poll = (query: string) => call({ url: `/v1/agents/a1/messages?${query}`, as });
  expect((await poll("max=1")).json.messages).toMatchObject([{ payload: { hello: 1 } }]);
  expect((await poll("waitMs=0")).json.messages).toMatchObject([{ payload: { hello: 2 } }]);
  expect((await poll("waitMs=0")).json.messages).toEqual([]);
  expect((await operation("leave")).status).toBe(200);
  expect(await poll("waitMs=0")).toMatchObject({ status: 404, json: { code: "agent_unknown" } });
});

test("events are read in order, of one task, of some types", async () => {
  const { api } = await startFake();
  const call = caller(api);
  const id = await submit(call);
  await submit(call);
  const read = async (query: string) => (await call({ url: `/v1/events?${query}`, as: asClient })).json;
  expect(await read("")).toMatchObject({ items: [{ seq: 1 }, { seq: 2 }], latest: 2 });
  expect((await read("after=1")).items).toMatchObject([{ seq: 2 }]);
  expect((await read("limit=1")).items).toHaveLength(1);
  expect((await read(`taskId=${id}`)).items).toMatchObject([{ taskId: id }]);
  expect((await read("types=run.started,%20run.failed")).items).toEqual([]);
});

test("keys are created, used, listed and revoked", async () => {
  const { api } = await startFake();
  const call = caller(api);
  const create = (as: object, body: object) => call({ method: "POST", url: "/v1/keys", as, body });
  const made = await create(asRoot, { name: "ci", role: "client", tenant: "acme" });
  expect(made).toMatchObject({ status: 201, json: { tenant: "acme", key: expect.any(String) } });
  expect((await call({ url: "/v1/tasks", as: bearer(made.json.key) })).status).toBe(200);
  expect((await create(asRoot, { name: "ci", role: "agent" })).json.tenant).toBe("default");
  expect((await create(bearer(keys.tenantAdmin), { name: "ci", role: "agent" })).json.tenant).toBe("acme");
  expect((await create(bearer(keys.tenantAdmin), { name: "ci", role: "agent", tenant: "*" })).status).toBe(
    403,
  );
  expect((await call({ url: "/v1/keys", as: asRoot })).json.items).toHaveLength(3);
  const revoked = await call({ method: "DELETE", url: `/v1/keys/${made.json.id}`, as: asRoot });
  expect(revoked.json.revokedAt).toEqual(expect.any(String));
});

test("the local key is an admin of every tenant, and only in its process", async () => {
  const { api } = await startFake();
  const call = caller(api);
  expect((await call({ url: "/v1/keys", as: bearer(localKey) })).status).toBe(200);
  const { api: other } = await startFake({ localKey: "another" });
  expect((await caller(other)({ url: "/v1/keys", as: bearer(localKey) })).status).toBe(401);
});

test("the server tells its health and version, and answers carry the marks that they should", async () => {
  const { api } = await startFake();
  const call = caller(api);
  expect((await call({ url: "/healthz" })).json).toEqual({ status: "ok" });
  expect((await call({ url: "/readyz" })).json).toEqual({ status: "ok" });
  const info = await call({ url: "/v1/info", as: asAgent });
  expect(info.json).toEqual({ name: "muster", version: "1.2.3", latestEvent: 0 });
  expect(info.headers).toMatchObject({
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-request-id": expect.stringMatching(/^[\w-]{36}$/),
  });
  expect(info.headers["access-control-allow-origin"]).toBeUndefined();
  const head = await call({ method: "HEAD", url: "/v1/tasks", as: asClient });
  expect(head).toMatchObject({ status: 200, json: undefined });
});

test("a store that fails makes the server not ready, and not dead", async () => {
  const { api, fake } = await startFake();
  fake.events.latest = async () => Promise.reject(new Error("the store is gone"));
  expect(await caller(api)({ url: "/readyz" })).toMatchObject({ status: 503, json: { retryable: true } });
  expect((await caller(api)({ url: "/healthz" })).status).toBe(200);
});

describe("what is refused", () => {
  const client = ["/v1/tasks", "/v1/runs", "/v1/events", "/v1/deadlocks", `/v1/tasks/${noTask}`];
  const admin = ["/v1/keys"];
  test.each([
    ...[...client, ...admin, "/v1/agents", "/v1/info"].map(
      (url) => [url, {}, 401, "unauthenticated"] as const,
    ),
    ...[...client, ...admin].map((url) => [url, asAgent, 403, "forbidden"] as const),
    ...admin.map((url) => [url, asClient, 403, "forbidden"] as const),
    ["/v1/tasks", bearer("nonsense"), 401, "unauthenticated"] as const,
    ["/v1/tasks", { authorization: keys.client }, 401, "unauthenticated"] as const,
    ["/v1/tasks", { authorization: `Basic ${keys.client}` }, 401, "unauthenticated"] as const,
    ["/v1/tasks", bearer("x".repeat(5_000)), 401, "unauthenticated"] as const,
    ["/v1/agents/a1/messages", {}, 401, "unauthenticated"] as const,
    ["/v1/agents/a1/messages", asRoot, 404, "agent_unknown"] as const,
  ])("GET %s with %j: %i", async (url, as, status, code) => {
    const { api } = await startFake();
    const response = await caller(api)({ url, as });
    expect(response).toMatchObject({ status, json: { code, hint: expect.any(String) } });
    expect(response.headers["content-type"]).toContain("application/problem+json");
    if (status === 401) expect(response.headers["www-authenticate"]).toContain("Bearer");
  });

  test.each([
    ["a client that registers as an agent", "/v1/agents", asClient, { name: "a", capabilities: [] }],
    ["an agent that submits", "/v1/tasks", asAgent, { capability: "a" }],
    ["a client that changes an agent", "/v1/agents/a/status", asClient, { status: "available" }],
    ["an agent that makes keys", "/v1/keys", asAgent, { name: "a", role: "admin" }],
  ])("%s: 403 with the role that is needed", async (_who, url, as, body) => {
    const { api } = await startFake();
    const response = await caller(api)({ method: "POST", url, as, body });
    expect(response).toMatchObject({ status: 403, json: { hint: expect.stringContaining("role admin") } });
  });

  test("the session of one agent at another", async () => {
    const { api } = await startFake();
    const call = caller(api);
    const body = { id: "a1", name: "one", capabilities: [] };
    const { json } = await call({ method: "POST", url: "/v1/agents", as: asAgent, body });
    const as = bearer(json.session);
    expect((await call({ url: "/v1/agents/a2/messages", as })).status).toBe(403);
    expect((await call({ method: "POST", url: "/v1/agents/a2/operations/leave", as, body: {} })).status).toBe(
      403,
    );
    expect((await call({ url: "/v1/tasks", as })).status).toBe(401);
  });

  test.each<[string, Call, number, string]>([
    ["no body", { url: "/v1/tasks" }, 400, "invalid_request"],
    [
      "an empty body",
      { url: "/v1/tasks", headers: { "content-type": "application/json" } },
      400,
      "invalid_request",
    ],
    ["a list", { url: "/v1/tasks", body: [] }, 400, "invalid_request"],
    ["an empty batch", { url: "/v1/tasks", body: { tasks: [] } }, 400, "invalid_request"],
    ["a wrong type", { url: "/v1/tasks", body: { capability: 1 } }, 400, "invalid_request"],
    ["text for a number", { url: "/v1/tasks", body: { timeoutMs: "1" } }, 400, "invalid_request"],
    ["an unknown field", { url: "/v1/tasks", body: { capabillity: "a" } }, 400, "invalid_request"],
    [
      "an unknown field in a batch",
      { url: "/v1/tasks", body: { tasks: [{}], x: 1 } },
      400,
      "invalid_request",
    ],
    ["an unknown dependency", { url: "/v1/tasks", body: { dependsOn: ["b"] } }, 422, "unknown_dependency"],
    [
      "a body where none is",
      { url: `/v1/tasks/${noTask}/cancel`, body: { force: true } },
      400,
      "invalid_request",
    ],
    ["an id that is none", { url: "/v1/tasks/1/cancel" }, 400, "invalid_request"],
    ["an id that nobody has", { url: `/v1/tasks/${noTask}/cancel` }, 404, "not_found"],
    ["a role that is none", { url: "/v1/keys", body: { name: "a", role: "boss" } }, 400, "invalid_request"],
    [
      "a tenant with a space",
      { url: "/v1/keys", body: { name: "a", role: "admin", tenant: "a b" } },
      400,
      "invalid_request",
    ],
    ["an address that is none", { url: "/v2/tasks", body: {} }, 404, "not_found"],
    ["a broken address", { url: "/v1/tasks/%E0%A4%A" }, 400, "invalid_request"],
    [
      "a NUL in the address",
      { url: "/v1/agents/%00/status", body: { status: "available" } },
      400,
      "invalid_request",
    ],
    ["a method that is none", { method: "PUT", url: "/v1/tasks", body: {} }, 405, "method_not_allowed"],
    ["a method of another address", { method: "DELETE", url: "/v1/runs" }, 405, "method_not_allowed"],
    [
      "HEAD where it would lose messages",
      { method: "HEAD", url: "/v1/agents/a/messages" },
      405,
      "method_not_allowed",
    ],
  ])("%s", async (_what, call, status, code) => {
    const { api } = await startFake();
    const response = await caller(api)({ method: "POST", as: asRoot, ...call });
    expect(response.status).toBe(status);
    if (call.method !== "HEAD") expect(response.json.code).toBe(code);
    if (status === 405) expect(response.headers.allow).toMatch(/GET|POST/);
  });

  test.each([
    "/v1/tasks?limit=0",
    "/v1/tasks?limit=501",
    "/v1/tasks?limit=1&limit=2",
    "/v1/tasks?statsu=ready",
    "/v1/tasks?status=done",
    "/v1/tasks?capability=%00",
    "/v1/tasks?runId=1",
    `/v1/tasks/${noTask}?waitMs=60001`,
    "/v1/events?after=-1",
    "/v1/events?after=1e30",
    "/v1/events?types=nope",
    "/v1/events/stream?types=nope",
    "/v1/agents?minHealthScore=2",
    `/v1/agents?tools=${"x".repeat(200)}`,
  ])("GET %s", async (url) => {
    const { api } = await startFake();
    const response = await caller(api)({ url, as: asRoot });
    expect(response).toMatchObject({ status: 400, json: { code: "invalid_request" } });
  });

  test.each<[string, string | Buffer, Record<string, string | string[]>, number, string]>([
    ["2 MiB", Buffer.alloc(2 * 1024 * 1024, 32), {}, 413, "payload_too_large"],
    ["deep JSON", "[".repeat(100_000), {}, 422, "limit_exceeded"],
    ["invalid UTF-8", Buffer.from([0x22, 0xff, 0x22]), {}, 400, "invalid_json"],
    ["invalid JSON", '{"a":1,}', {}, 400, "invalid_json"],
    ["__proto__", '{"input":{"__proto__":{}}}', {}, 400, "invalid_json"],
    ["another type", "<xml/>", { "content-type": "text/xml" }, 415, "unsupported_media_type"],
    ["text", "{}", { "content-type": "text/plain" }, 415, "unsupported_media_type"],
    [
      "another charset",
      "{}",
      { "content-type": "application/json; charset=latin1" },
      415,
      "unsupported_media_type",
    ],
    [
      "a type that can't be read",
      "{}",
      { "content-type": "application/json, text/plain" },
      415,
      "unsupported_media_type",
    ],
    ["compression", "{}", { "content-encoding": "gzip" }, 415, "unsupported_media_type"],
  ])("a body with %s", async (_what, payload, headers, status, code) => {
    const { api, fake } = await startFake();
    const response = await api.inject({
      method: "POST",
      url: "/v1/tasks",
      headers: { ...asClient, "content-type": "application/json", ...headers },
      payload,
    });
    expect(response.json()).toMatchObject({ status, code });
    expect(response.statusCode).toBe(status);
    expect(await fake.events.latest()).toBe(0);
  });
});

test("what nobody expected is logged with an id, and answered with the id alone", async () => {
  const { api, fake } = await startFake();
  fake.failNext(new Error("password=hunter2 at /srv/secret.ts:1"));
  const response = await caller(api)({ url: `/v1/tasks/${noTask}`, as: asClient });
  expect(response).toMatchObject({ status: 500, json: { code: "internal" } });
  expect(response.json.detail).toContain(response.headers["x-request-id"]);
  expect(JSON.stringify(response.json)).not.toMatch(/hunter2|secret/);
});
