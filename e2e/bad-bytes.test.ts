import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { expectRefused, useTarget } from "./support/hostile-client.ts";
import type { RawCall } from "./support/raw-client.ts";

// What a hostile client can send that is not even a request: it is refused and leaves nothing behind.

const mebibyte = 1024 * 1024;
const target = useTarget();

describe("what is refused leaves nothing behind", () => {
  let before: object;
  beforeEach(async () => {
    before = await target.traces();
  });
  afterEach(async () => {
    expect(await target.traces()).toEqual(before);
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
      await expectRefused(target, { path, method: "POST", key: target.keys.client, raw }, status, code);
    }
  });

  test("wrong keys and wrong roles", async () => {
    const body = { capability: "a" };
    for (const key of [
      undefined,
      "nonsense",
      "mk_nonsense",
      target.keys.client.slice(0, -1),
      `${target.keys.client}x`,
    ]) {
      await expectRefused(target, { path: "/v1/tasks", key, body }, 401, "unauthenticated");
    }
    const wrong: [string, RawCall][] = [
      ["an agent submits", { path: "/v1/tasks", key: target.keys.agent, body }],
      ["an agent reads tasks", { path: "/v1/tasks", key: target.keys.agent }],
      ["an agent reads events", { path: "/v1/events", key: target.keys.agent }],
      ["an agent starts a run", { path: "/v1/runs", key: target.keys.agent, body: { workflow: {} } }],
      [
        "an agent makes keys",
        { path: "/v1/keys", key: target.keys.agent, body: { name: "k", role: "admin" } },
      ],
      [
        "a client registers",
        { path: "/v1/agents", key: target.keys.client, body: { name: "a", capabilities: [] } },
      ],
      ["a client reads keys", { path: "/v1/keys", key: target.keys.client }],
      [
        "a client sends an agent away",
        { path: "/v1/agents/a/status", key: target.keys.client, body: { status: "maintenance" } },
      ],
    ];
    for (const [what, request] of wrong) {
      const { hint } = await expectRefused(target, request, 403, "forbidden");
      expect(hint, what).toMatch(/role/);
    }
  });

  test("the admin of one tenant makes no keys for another one, nor sees theirs", async () => {
    const body = { name: "k", role: "admin", tenant: "strange" };
    await expectRefused(target, { path: "/v1/keys", key: target.keys.admin, body }, 403, "forbidden");
    await expectRefused(
      target,
      { path: "/v1/keys", key: target.keys.admin, body: { ...body, tenant: "*" } },
      403,
      "forbidden",
    );
    const { json } = await target.call({ path: "/v1/keys", key: target.keys.admin });
    expect(new Set(json.items.map(({ tenant }: { tenant: string }) => tenant))).toEqual(new Set(["acme"]));
    const theirs = (await target.root.keys.list()).find(({ tenant }) => tenant === "strange")!;
    await expectRefused(
      target,
      { path: `/v1/keys/${theirs.id}`, method: "DELETE", key: target.keys.admin },
      404,
      "not_found",
    );
  });

  test("bytes that are no HTTP", async () => {
    const { port } = target.server;
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
    const socket = new WebSocket(`${target.server.url.replace("http", "ws")}/v1/agents/connect`, {
      headers: { authorization: `Bearer ${target.keys.agent}` },
    });
    const closed = new Promise<number>((resolve, reject) => {
      socket.on("open", () => socket.send(data, { binary }));
      socket.on("error", reject);
      socket.on("close", resolve);
    });
    expect(await closed).toBe(code);
  });
});
