import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { caller } from "../test/call-api.ts";
import { keys } from "../test/fake-orchestrator.ts";
import { asAgent, asClient, asRoot, bearer, localKey, startFake } from "../test/serve-fake.ts";

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
  expect((await call({ url: "/livez" })).json).toEqual({ status: "ok" });
  expect((await call({ url: "/readyz" })).json).toEqual({ status: "ready" });
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
  expect(await caller(api)({ url: "/readyz" })).toMatchObject({
    status: 503,
    headers: { "retry-after": "1", connection: "close" },
    json: { retryable: true },
  });
  expect((await caller(api)({ url: "/livez" })).status).toBe(200);
});

test("/readyz lists each thing that a node works with, when asked to, and says nothing that is secret", async () => {
  const checks = {
    bus: async () => {
      throw new Error("amqp://muster:password@rabbit.internal refused");
    },
    registry: async () => undefined,
  };
  const { api, fake } = await startFake({ checks });
  const degraded = await caller(api)({ url: "/readyz?verbose" });
  expect(degraded).toMatchObject({
    status: 200,
    json: {
      status: "degraded",
      away: ["bus"],
      checks: [
        { name: "database", ok: true, needed: true },
        { name: "bus", ok: false, needed: false, reason: "can't be reached" },
        { name: "registry", ok: true, needed: false },
      ],
    },
  });
  expect(JSON.stringify(degraded.json)).not.toContain("rabbit.internal");
  fake.events.latest = async () =>
    Promise.reject(new Error("postgres://muster:password@db.internal is gone"));
  const { api: none } = await startFake({ checks, orchestrator: fake });
  const away = await caller(none)({ url: "/readyz?verbose" });
  expect(away).toMatchObject({
    status: 503,
    json: {
      detail: "Not ready: database can't be reached, bus can't be reached.",
      errors: [
        { path: "database", message: expect.stringMatching(/^can't be reached/) },
        { path: "bus", message: expect.stringMatching(/^can't be reached/) },
        { path: "registry", message: expect.stringMatching(/^answers/) },
      ],
    },
  });
  expect(JSON.stringify(away.json)).not.toContain("internal");
  const { api: well } = await startFake({ checks: { registry: checks.registry } });
  expect((await caller(well)({ url: "/readyz?verbose" })).json).toMatchObject({
    status: "ready",
    checks: [
      { name: "database", ok: true },
      { name: "registry", ok: true },
    ],
  });
});

test("a probe asks what is there at most once in a while, and does not wait for what hangs", async () => {
  const registry = vi.fn(() => new Promise<void>(() => {}));
  const { api } = await startFake({ checks: { registry } });
  const probes = Array.from({ length: 20 }, () => caller(api)({ url: "/readyz" }));
  for (const probe of await Promise.all(probes)) {
    expect(probe).toMatchObject({
      status: 200,
      json: { status: "degraded", away: ["registry"] },
    });
  }
  expect(registry).toHaveBeenCalledTimes(1);
});

test("a server that takes no more connections serves those that it has", async () => {
  const { api } = await startFake();
  const url = new URL(await api.listen({ host: "127.0.0.1", port: 0 }));
  const early = connect(Number(url.port), url.hostname);
  await once(early, "connect");
  // The server has it, too, once it has answered somebody who came later.
  await fetch(`${url}livez`);
  api.stopListening();
  await expect(fetch(`${url}livez`)).rejects.toThrow();
  early.write("GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  expect(String(await once(early, "data"))).toMatch(/^HTTP\/1.1 200 /);
  await api.close();
});

test("a server that drains says so to load balancers, keeps no connection and serves on", async () => {
  const { api } = await startFake();
  api.drain();
  const call = caller(api);
  expect(await call({ url: "/readyz" })).toMatchObject({
    status: 503,
    json: { detail: "Not ready: the server is about to stop." },
  });
  expect((await call({ url: "/livez" })).status).toBe(200);
  const info = await call({ url: "/v1/info", as: asAgent });
  expect(info).toMatchObject({ status: 200, headers: { connection: "close" } });
});
