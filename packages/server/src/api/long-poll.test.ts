import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { MusterError } from "@muster/sdk/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { asAgent, asClient, bearer, serveFake, sleep, until } from "../test/serve-fake.ts";

async function join(url: string, id = "a1") {
  const response = await fetch(`${url}/v1/agents`, {
    method: "POST",
    headers: { ...asAgent, "content-type": "application/json" },
    body: JSON.stringify({ id, name: "one", capabilities: [] }),
  });
  const { session } = (await response.json()) as { session: string };
  const headers = bearer(session);
  const poll = async (query: string, signal?: AbortSignal) => {
    const answer = await fetch(`${url}/v1/agents/${id}/messages?${query}`, {
      headers,
      ...(signal ? { signal } : {}),
    });
    const body = (await answer.json()) as { messages?: { payload: unknown }[]; code?: string };
    return { status: answer.status, code: body.code, payloads: body.messages?.map(({ payload }) => payload) };
  };
  return Object.assign(poll, headers);
}

async function submit(url: string): Promise<string> {
  const headers = { ...asClient, "content-type": "application/json" };
  const response = await fetch(`${url}/v1/tasks`, { method: "POST", headers, body: '{"capability":"a"}' });
  return ((await response.json()) as { tasks: [{ id: string }] }).tasks[0].id;
}

describe("an agent that polls", () => {
  test("gets a message as soon as there is one", async () => {
    const { fake, url } = await serveFake();
    const poll = await join(url);
    const waiting = poll("waitMs=10000");
    await sleep(30);
    fake.deliver("a1", "now");
    expect((await waiting).payloads).toEqual(["now"]);
  });

  test("loses nothing when it goes away while it waits", async () => {
    const { fake, url } = await serveFake();
    const poll = await join(url);
    const gone = new AbortController();
    const aborted = poll("waitMs=10000", gone.signal).catch(() => "aborted");
    await sleep(50);
    gone.abort();
    expect(await aborted).toBe("aborted");
    await sleep(50);
    fake.deliver("a1", "kept");
    expect((await poll("waitMs=10000")).payloads).toEqual(["kept"]);
  });

  test("loses nothing when its connection ended just before a message comes", async () => {
    const { fake, url } = await serveFake();
    const poll = await join(url);
    const { port, host } = new URL(url);
    for (let round = 0; round < 10; round++) {
      const beats = fake.operations.length;
      const socket = net.connect(Number(port), "127.0.0.1");
      const path = "/v1/agents/a1/messages?waitMs=10000";
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: ${poll.authorization}\r\n\r\n`);
      await until(() => fake.operations.length > beats);
      socket.destroy();
      await once(socket, "close");
      fake.deliver("a1", round);
      expect((await poll("waitMs=10000")).payloads).toEqual([round]);
    }
  });

  test("has one poll at a time: the second ends the first", async () => {
    const { fake, url } = await serveFake();
    const poll = await join(url);
    const first = poll("waitMs=10000");
    await sleep(30);
    const second = poll("waitMs=10000");
    expect((await first).payloads).toEqual([]);
    fake.deliver("a1", 1);
    expect((await second).payloads).toEqual([1]);
  });

  test("counts as alive while it waits, and is told when it is not known any more", async () => {
    const { fake, url } = await serveFake();
    const poll = await join(url);
    const waiting = poll("waitMs=10000");
    await until(() => fake.operations.some(({ operation }) => operation === "heartbeat"));
    fake.deliver("a1", 1);
    await waiting;
    fake.expire("a1");
    expect(await poll("waitMs=10000")).toMatchObject({ status: 404, code: "agent_unknown" });
  });

  test("is told at once when it expires while it waits", async () => {
    const { fake, url } = await serveFake();
    const poll = await join(url);
    fake.gateway.request = async () => {
      throw new MusterError("agent_unknown", "The agent expired.");
    };
    expect(await poll("waitMs=10000")).toMatchObject({ status: 404, code: "agent_unknown" });
  });

  test("that expired in silence is forgotten, and the gateway is told", async () => {
    const { fake, url } = await serveFake({ sweepMs: 20 });
    const poll = await join(url);
    await sleep(60);
    expect(fake.detached).toEqual([]);
    fake.agents.get = async () => {
      throw new MusterError("not_found", "There is no such agent.");
    };
    await until(() => fake.detached.length > 0);
    await sleep(60);
    expect(fake.detached).toEqual(["a1"]);
    expect((await poll("waitMs=0")).status).toBe(200);
  });

  test("that registers again gets its messages by the new session only", async () => {
    const { fake, url } = await serveFake();
    const before = await join(url);
    const waiting = before("waitMs=10000");
    await sleep(30);
    const poll = await join(url);
    expect((await waiting).payloads).toEqual([]);
    fake.deliver("a1", 1);
    expect((await before("waitMs=0")).status).toBe(404);
    expect((await poll("waitMs=0")).payloads).toEqual([1]);
  });
});

describe("who waits for a task", () => {
  test("is forgotten when the connection ends", async () => {
    const { fake, url } = await serveFake();
    const id = await submit(url);
    const gone = new AbortController();
    const waiting = fetch(`${url}/v1/tasks/${id}?waitMs=60000`, { headers: asClient, signal: gone.signal });
    waiting.catch(() => {});
    await until(() => fake.open.waits === 1);
    gone.abort();
    await until(() => fake.open.waits === 0);
  });
});

describe("closing", () => {
  test("answers who waits with what there is, and does not wait for kept connections", async () => {
    const { api, fake, url } = await serveFake();
    const poll = await join(url);
    const id = await submit(url);
    const messages = poll("waitMs=60000");
    const task = fetch(`${url}/v1/tasks/${id}?waitMs=60000`, { headers: asClient });
    await until(() => fake.open.waits === 1);
    await sleep(50);
    const began = performance.now();
    await api.close();
    expect(performance.now() - began).toBeLessThan(10_000);
    expect((await messages).payloads).toEqual([]);
    expect(await (await task).json()).toMatchObject({ id, status: "ready" });
    await expect(fetch(`${url}/livez`)).rejects.toThrow();
  });

  test("lets a request that is under way finish, on a connection that ends with it", async () => {
    const { api, fake, url } = await serveFake();
    const id = await submit(url);
    const agent = new http.Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const slow = new Promise<string | undefined>((resolve, reject) => {
      const request = http.get(
        `${url}/v1/tasks/${id}?waitMs=300`,
        { agent, headers: asClient },
        (response) => {
          response.resume();
          response.on("end", () => resolve(response.headers.connection));
        },
      );
      request.on("error", reject);
    });
    await until(() => fake.open.waits === 1);
    await api.close();
    expect(await slow).toBe("close");
  });

  test("does not wait for connections that ask for nothing", async () => {
    const { api, url } = await serveFake();
    const silent = net.connect(Number(new URL(url).port), "127.0.0.1");
    await once(silent, "connect");
    await sleep(30);
    const began = performance.now();
    await api.close();
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test("cuts off what does not end", async () => {
    const { api, fake, url } = await serveFake({ closeWithinMs: 50 });
    const join = { method: "POST", headers: { ...asAgent, "content-type": "application/json" } };
    const body = JSON.stringify({ id: "a1", name: "one", capabilities: [] });
    const registered = await fetch(`${url}/v1/agents`, { ...join, body });
    const { session } = (await registered.json()) as { session: string };
    fake.hold(new Promise(() => {}));
    const headers = { ...bearer(session), "content-type": "application/json" };
    const stuck = fetch(`${url}/v1/agents/a1/operations/broadcast`, {
      method: "POST",
      headers,
      body: '{"payload":1}',
    });
    const cut = expect(stuck).rejects.toThrow();
    await sleep(50);
    await api.close();
    await cut;
  });
});
