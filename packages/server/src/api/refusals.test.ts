import { describe, expect, test } from "vitest";
import { type Call, caller } from "../test/call-api.ts";
import { keys } from "../test/fake-orchestrator.ts";
import { asAgent, asClient, asRoot, bearer, startFake } from "../test/serve-fake.ts";

const noTask = "0190163d-8694-739b-aea5-966c26f8ad91";

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
