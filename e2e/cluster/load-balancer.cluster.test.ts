/**
 * The load balancer as it is deployed, real, in front of servers that are told how to fail: what it repeats, what it
 * never repeats, and that nothing needs to be sticky.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { type FakeNode, startFakeNode } from "../support/fake-node.ts";
import {
  type NginxProcess,
  plainListen,
  renderNginx,
  startNginx,
  testNginx,
  tlsListen,
} from "../support/nginx-process.ts";
import { cleanUp, temporaryFolder } from "../support/processes.ts";

let nodes: FakeNode[];
let first: FakeNode;
let second: FakeNode;
let nginx: NginxProcess | undefined;

afterEach(async () => {
  // Killed, it would leave its workers behind.
  await nginx?.end("SIGTERM");
  await Promise.all(nodes.map((node) => node.kill()));
  await cleanUp();
});

describe("the configuration", () => {
  beforeEach(() => {
    nodes = [];
    nginx = undefined;
  });

  test("is one that nginx takes, without TLS and with it", () => {
    const folder = temporaryFolder();
    const [certificate, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
    const subject = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=muster.test"];
    const made = spawnSync("openssl", ["req", ...subject, "-keyout", key, "-out", certificate]);
    expect(made.status).toBe(0);
    for (const listen of [plainListen(20_080), tlsListen(20_443, certificate, key)]) {
      const { status, stderr } = testNginx(renderNginx(listen, ["127.0.0.1:20001", "127.0.0.1:20002"]));
      expect(stderr).toContain("syntax is ok");
      expect(stderr).not.toMatch(/\[(warn|emerg)\]/);
      expect(status).toBe(0);
    }
  });
});

describe("two nodes", () => {
  beforeEach(async () => {
    nodes = [await startFakeNode("first"), await startFakeNode("second")];
    [first, second] = nodes as [FakeNode, FakeNode];
    nginx = await startNginx(nodes.map(({ address }) => address));
  });

  const ask = (path: string, init: RequestInit = {}) => fetch(nginx!.url + path, init);
  const post = (path: string, body = "{}", headers: Record<string, string> = {}) =>
    ask(path, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
  const textOf = async (asked: Promise<Response>) => (await asked).text();

  /** `workers` callers, each of which asks again as soon as it was answered. */
  async function keepAsking(workers: number, each: number, one: (index: number) => Promise<Response>) {
    const answers: { status: number; text: string }[] = [];
    const worker = async (start: number) => {
      for (let index = start; index < workers * each; index += workers) {
        const response = await one(index);
        answers.push({ status: response.status, text: await response.text() });
      }
    };
    await Promise.all(Array.from({ length: workers }, (_, start) => worker(start)));
    return answers;
  }

  test("a node that is killed while requests run costs no request that may be repeated", async () => {
    let killed: Promise<void> | undefined;
    const answers = await keepAsking(8, 50, (index) => {
      if (index === 120) killed = first.kill();
      return ask(`/v1/tasks/${index}`);
    });
    await killed;
    expect(answers).toHaveLength(400);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(first.seen.length).toBeGreaterThan(20);
    expect(answers.filter(({ text }) => text === "second").length).toBeGreaterThan(200);
  });

  test("a submission that a node may have seen is never repeated, and the client is told that it may be", async () => {
    for (const node of nodes) node.answer((_request, response) => response.destroy());
    const response = await post("/v1/tasks", '{"capability":"echo"}');
    expect(response.status).toBe(502);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toMatchObject({ code: "unavailable", status: 502, retryable: true });
    expect(first.seen.length + second.seen.length).toBe(1);
  });

  test("a read that a node left without an answer is answered by another", async () => {
    first.answer((_request, response) => response.destroy());
    const answers = await keepAsking(1, 4, () => ask("/v1/info"));
    expect(answers.map(({ text }) => text)).toEqual(["second", "second", "second", "second"]);
    expect(first.seen.length).toBeGreaterThan(0);
  });

  test("submissions go on without one lost while a node is away, each to one node once", async () => {
    await first.kill();
    const answers = await keepAsking(4, 25, (index) => post("/v1/tasks", `{"n":${index}}`));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(second.seen.map(({ body }) => body)).size).toBe(100);
    expect(second.seen).toHaveLength(100);
  });

  test("a node that is not ready is passed over for reads, and says so itself for submissions", async () => {
    for (const node of nodes)
      node.answer((_request, response) => response.writeHead(503).end(`${node.name} is not ready`));
    expect(await textOf(post("/v1/tasks"))).toMatch(/^(first|second) is not ready$/);
    expect(first.seen.length + second.seen.length).toBe(1);
    second.answer((_request, response) => response.end("second is"));
    const answers = await keepAsking(1, 4, () => ask("/readyz"));
    expect(answers.map(({ text }) => text)).toEqual(Array(4).fill("second is"));
  });

  test("work is spread, and what an agent asks with its session stays at one node while that is there", async () => {
    await keepAsking(1, 10, () => ask("/v1/tasks"));
    expect(first.seen.length).toBe(5);
    expect(second.seen.length).toBe(5);
    const agent = (number: number) => ({ headers: { authorization: `Bearer session-${number}` } });
    const home = await textOf(ask("/v1/agents/a/messages", agent(1)));
    for (let again = 0; again < 10; again++) {
      expect(await textOf(ask("/v1/agents/a/messages", agent(1)))).toBe(home);
    }
    const homes = await keepAsking(1, 40, (index) => ask(`/v1/agents/${index}/messages`, agent(index)));
    expect(new Set(homes.map(({ text }) => text)).size).toBe(2);
    await nodes.find(({ name }) => name === home)?.kill();
    expect(await textOf(ask("/v1/agents/a/messages", agent(1)))).toBe(home === "first" ? "second" : "first");
  });

  test("a WebSocket passes, and is opened again at another node when its own is killed", async () => {
    const open = async () => {
      const socket = new WebSocket(`${nginx!.url.replace("http", "ws")}/v1/agents/connect`);
      socket.on("error", () => undefined);
      await once(socket, "open");
      return socket;
    };
    const echo = async (socket: WebSocket) => {
      const answered = once(socket, "message");
      socket.send("hello");
      const [data] = await answered;
      return String(data);
    };
    const before = await open();
    const [home] = (await echo(before)).split(":");
    const closed = once(before, "close");
    await nodes.find(({ name }) => name === home)?.kill();
    await closed;
    const after = await open();
    expect(await echo(after)).toBe(`${home === "first" ? "second" : "first"}: hello`);
    after.terminate();
  });

  test("events are passed on as they come, before the answer has ended", async () => {
    let finish = () => {};
    for (const node of nodes) {
      node.answer((_request, response) => {
        response.write("one\n");
        finish = () => response.end("two\n");
      });
    }
    const response = await ask("/v1/events");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe("one\n");
    finish();
    expect((await reader.read()).value).toBe("two\n");
  });

  test("a client can't say where it comes from, and neither its key nor its query is logged", async () => {
    await textOf(
      ask("/v1/tasks?secret=hunter2", {
        headers: { authorization: "Bearer hunter3", "x-forwarded-for": "6.6.6.6" },
      }),
    );
    const [request] = [...first.seen, ...second.seen];
    expect(request?.headers["x-forwarded-for"]).toBe("127.0.0.1");
    expect(request?.headers["x-forwarded-proto"]).toBe("http");
    expect(request?.path).toBe("/v1/tasks?secret=hunter2");
    const line = nginx!.accessLog().trim().split("\n").at(-1) ?? "";
    expect(JSON.parse(line)).toMatchObject({ method: "GET", path: "/v1/tasks", status: 200 });
    expect(nginx!.accessLog()).not.toMatch(/hunter/);
  });

  test("a body far beyond the bound is refused as nodes refuse, and reaches none", async () => {
    const response = await post("/v1/tasks", "x".repeat(3 * 1024 * 1024));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "payload_too_large", retryable: false });
    expect(first.seen.length + second.seen.length).toBe(0);
  });
});
