import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { liveLease } from "../test/fake-artifacts.ts";
import { keys } from "../test/fake-orchestrator.ts";
import { asAgent, asClient, asRoot, bearer, serveFake, startFake } from "../test/serve-fake.ts";

const content = Buffer.from("<script>alert(1)</html>");
const sha256 = createHash("sha256").update(content);
const digest = sha256.copy().digest("base64");
const sum = sha256.digest("hex");
const asOther = bearer(keys.otherClient);

async function stored(key = "reports/2030/page.html") {
  const { api, fake } = await startFake();
  const url = `/v1/artifacts/${key}`;
  const headers = { ...asClient, "content-type": "text/html; charset=utf-8" };
  const put = await api.inject({ method: "PUT", url, headers, payload: content });
  expect(put.statusCode, put.body).toBe(200);
  const get = (more: Record<string, string> = {}, method: "GET" | "HEAD" = "GET") =>
    api.inject({ method, url, headers: { ...asClient, ...more } });
  return { api, fake, url, put, get };
}

describe("an artifact", () => {
  test("is stored under its key and told of", async () => {
    const { put } = await stored();
    expect(put.json()).toEqual({
      key: "reports/2030/page.html",
      bytes: content.length,
      sha256: sum,
      contentType: "text/html; charset=utf-8",
      storedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  test("comes back byte for byte, and no browser shows it", async () => {
    const { get } = await stored();
    const answer = await get();
    expect(answer.statusCode).toBe(200);
    expect(answer.rawPayload.equals(content)).toBe(true);
    expect(answer.headers).toMatchObject({
      "content-type": "application/octet-stream",
      "content-disposition": 'attachment; filename="page.html"',
      "x-content-type-options": "nosniff",
      "muster-content-type": "text/html; charset=utf-8",
      "content-length": String(content.length),
      "accept-ranges": "bytes",
      etag: `"${sum}"`,
    });
  });

  test("tells of itself without its content", async () => {
    const { get } = await stored();
    const answer = await get({}, "HEAD");
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({ "content-length": String(content.length), etag: `"${sum}"` });
    expect(answer.body).toBe("");
  });

  test.each([
    ["bytes=0-3", 206, [0, 4]],
    ["bytes=5-", 206, [5, 999]],
    ["bytes=-4", 206, [-4, 999]],
    ["bytes=-999", 206, [0, 999]],
    ["bytes=3-999", 206, [3, 999]],
    ["bytes=0-0,2-3", 200, [0, 999]],
    ["lines=0-3", 200, [0, 999]],
    ["bytes=3-1", 200, [0, 999]],
    ["bytes=999-", 416, undefined],
  ] as const)("is given out in the part %s with status %i", async (range, status, part) => {
    const { get } = await stored();
    const answer = await get({ range });
    expect(answer.statusCode).toBe(status);
    if (part === undefined) {
      expect(answer.headers["content-range"]).toBe(`bytes */${content.length}`);
      expect(answer.json()).toMatchObject({ code: "range_not_satisfiable" });
      return;
    }
    const expected = content.subarray(...part);
    expect(answer.rawPayload.toString()).toBe(expected.toString());
    expect(answer.headers["content-length"]).toBe(String(expected.length));
    if (status !== 206) return;
    const start = content.indexOf(expected);
    expect(answer.headers["content-range"]).toBe(
      `bytes ${start}-${start + expected.length - 1}/${content.length}`,
    );
  });

  test("is not sent again to who has it", async () => {
    const { get } = await stored();
    expect((await get({ "if-none-match": `"${sum}"` })).statusCode).toBe(304);
    expect((await get({ "if-none-match": '"other"' })).statusCode).toBe(200);
  });

  test("is empty where nothing was sent", async () => {
    const { api } = await startFake();
    const put = await api.inject({ method: "PUT", url: "/v1/artifacts/empty", headers: asClient });
    expect(put.json()).toMatchObject({ bytes: 0, contentType: "application/octet-stream" });
    const got = await api.inject({ url: "/v1/artifacts/empty", headers: asClient });
    expect(got.statusCode).toBe(200);
    expect(got.rawPayload).toHaveLength(0);
  });

  test("of JSON is a file like any other", async () => {
    const { api } = await startFake();
    const headers = { ...asClient, "content-type": "application/json" };
    const payload = '{"half":';
    expect(
      (await api.inject({ method: "PUT", url: "/v1/artifacts/a.json", headers, payload })).statusCode,
    ).toBe(200);
    expect((await api.inject({ url: "/v1/artifacts/a.json", headers: asClient })).body).toBe(payload);
  });

  test("is deleted, twice if need be", async () => {
    const { api, url, get } = await stored();
    for (const _ of [1, 2])
      expect((await api.inject({ method: "DELETE", url, headers: asClient })).statusCode).toBe(204);
    const answer = await get();
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: "not_found", detail: expect.stringContaining("page.html") });
    expect((await get({}, "HEAD")).statusCode).toBe(404);
  });

  test("is listed by prefix and in pages", async () => {
    const { api } = await stored();
    for (const key of ["reports/a", "reports/b", "zoo"])
      await api.inject({ method: "PUT", url: `/v1/artifacts/${key}`, headers: asClient, payload: "x" });
    const list = async (query: string) =>
      (await api.inject({ url: `/v1/artifacts?${query}`, headers: asClient })).json();
    const first = await list("prefix=reports/&limit=2");
    expect(first).toMatchObject({
      items: [{ key: "reports/2030/page.html" }, { key: "reports/a", bytes: 1 }],
    });
    const second = await list(`prefix=reports/&limit=2&after=${encodeURIComponent(first.next)}`);
    expect(second).toMatchObject({ items: [{ key: "reports/b" }], next: null });
    expect((await list("")).items).toHaveLength(4);
  });
});

describe("an artifact is refused", () => {
  const put = async (url: string, options: { headers?: Record<string, string>; payload?: Buffer } = {}) => {
    const { api } = await startFake();
    const headers = { ...asClient, ...options.headers };
    const answer = await api.inject({ method: "PUT", url, headers, payload: options.payload ?? content });
    return { status: answer.statusCode, code: answer.json().code };
  };

  test.each([
    "a//b",
    "..%2Fb",
    "a%2F..%2Fb",
    "%2e%2e",
    "a%00b",
    "a%20b",
    `${"x".repeat(121)}`,
    "x/".repeat(300),
  ])("under the key %s", async (key) => {
    const { status } = await put(`/v1/artifacts/${key}`);
    expect([400, 404, 405]).toContain(status);
  });
  test("with other content than announced", async () => {
    const headers = { "content-digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` };
    expect(await put("/v1/artifacts/a", { headers })).toEqual({ status: 422, code: "checksum_mismatch" });
    expect(await put("/v1/artifacts/a", { headers: { "content-digest": "md5=:x:" } })).toMatchObject({
      status: 400,
    });
    expect(
      await put("/v1/artifacts/a", { headers: { "content-digest": `sha-256=:${digest}:` } }),
    ).toMatchObject({
      status: 200,
    });
  });
  test("when it is too large, by its length or as it comes", async () => {
    const payload = Buffer.alloc(100_001);
    expect(await put("/v1/artifacts/a", { payload })).toEqual({ status: 413, code: "payload_too_large" });
    const { url, fake } = await serveFake();
    async function* chunks() {
      for (let i = 0; i < 11; i++) yield payload.subarray(0, 10_000);
    }
    const init = { method: "PUT", headers: asClient, body: chunks(), duplex: "half" };
    const answer = await fetch(`${url}/v1/artifacts/a`, init as unknown as RequestInit);
    expect(answer.status).toBe(413);
    expect((await fake.artifacts.of({ tenant: "acme", role: "client", name: "" }).list()).items).toEqual([]);
  });
  test("without a key, with the key of an agent, and from another tenant", async () => {
    const { api, url } = await stored();
    for (const method of ["PUT", "GET", "DELETE"] as const) {
      expect((await api.inject({ method, url })).statusCode).toBe(401);
      expect((await api.inject({ method, url, headers: asAgent })).statusCode).toBe(403);
    }
    for (const headers of [asOther, asRoot]) {
      expect((await api.inject({ url, headers })).statusCode).toBe(404);
      expect((await api.inject({ url: "/v1/artifacts", headers })).json().items).toEqual([]);
      expect((await api.inject({ method: "DELETE", url, headers })).statusCode).toBe(204);
    }
    expect((await api.inject({ url, headers: asClient })).statusCode).toBe(200);
  });
  test("by another method", async () => {
    const { api, url } = await stored();
    const answer = await api.inject({ method: "POST", url, headers: asClient, payload: content });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers.allow).toBe("DELETE, GET, HEAD, PUT");
  });
});

describe("under a lease", () => {
  async function joined() {
    const { api } = await startFake();
    const payload = { id: liveLease.agentId, name: "one", capabilities: [] };
    const { session } = (
      await api.inject({ method: "POST", url: "/v1/agents", headers: asAgent, payload })
    ).json();
    const headers = { ...bearer(session), "muster-lease": liveLease.leaseToken };
    return { api, headers, folder: `/v1/agents/a1/tasks/${liveLease.taskId}/artifacts` };
  }

  test("an agent shares the artifacts of the task's tenant", async () => {
    const { api, headers, folder } = await joined();
    const put = await api.inject({ method: "PUT", url: `${folder}/out/x`, headers, payload: content });
    expect(put.json()).toMatchObject({ key: "out/x", sha256: sum });
    expect(
      (await api.inject({ url: "/v1/artifacts/out/x", headers: asClient })).rawPayload.equals(content),
    ).toBe(true);
    expect((await api.inject({ url: `${folder}/out/x`, headers })).rawPayload.equals(content)).toBe(true);
    expect((await api.inject({ url: folder, headers })).json().items).toMatchObject([{ key: "out/x" }]);
    expect((await api.inject({ method: "DELETE", url: `${folder}/out/x`, headers })).statusCode).toBe(204);
  });

  test("that is not its own or not live, it has none", async () => {
    const { api, headers, folder } = await joined();
    const get = async (url: string, more: Record<string, string>) =>
      (await api.inject({ url, headers: { ...headers, ...more } })).json().code;
    expect(await get(folder, { "muster-lease": liveLease.taskId })).toBe("lease_lost");
    expect(await get(folder, { "muster-lease": "x' or 1=1" })).toBe("lease_lost");
    expect(await get(folder.replace("ad91", "ad94"), {})).toBe("lease_lost");
    expect(await get(folder.replace("a1", "a2"), {})).toBe("forbidden");
    const { "muster-lease": _, ...without } = headers;
    expect((await api.inject({ url: folder, headers: without })).statusCode).toBe(400);
  });
});

describe("an upload", () => {
  const head = "PUT /v1/artifacts/slow HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client-key\r\n";

  test("that breaks off leaves nothing", async () => {
    const { url, fake } = await serveFake();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(`${head}content-length: 1000\r\n\r\nonly a part`);
    await once(socket, "connect");
    socket.resume().end();
    await once(socket, "close");
    const ours = fake.artifacts.of({ tenant: "acme", role: "client", name: "" });
    await expect(ours.head("slow")).rejects.toMatchObject({ code: "not_found" });
  });

  test("may take longer than JSON may", async () => {
    const { url } = await serveFake({ readWithinMs: 50 });
    async function slowly(path: string, method: string) {
      async function* chunks() {
        yield "{";
        await new Promise((resolve) => setTimeout(resolve, 150));
        yield "}";
      }
      const headers = { ...asClient, "content-type": "application/json" };
      const init = { method, headers, body: chunks(), duplex: "half" };
      return fetch(`${url}${path}`, init as unknown as RequestInit).then(
        ({ status }) => status,
        () => 408,
      );
    }
    expect(await slowly("/v1/artifacts/slow", "PUT")).toBe(200);
    expect(await slowly("/v1/tasks", "POST")).toBe(408);
  });
});
