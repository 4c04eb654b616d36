import { limits } from "@muster/sdk/protocol";
import { describe, expect, test } from "vitest";
import { keys } from "../test/fake-orchestrator.ts";
import { asAgent, asClient, asRoot, bearer, serveFake, sleep, until } from "../test/serve-fake.ts";
import { openSocket, refusedUpgrade } from "../test/socket.ts";

const registration = { id: "a1", name: "one", capabilities: [{ name: "echo" }] };
const register = { id: 1, operation: "register", body: registration };

async function connect(options: Parameters<typeof serveFake>[0] = {}) {
  const { api, fake, url } = await serveFake(options);
  const address = `${url}/v1/agents/connect`;
  const peer = await openSocket(address, asAgent);
  return { api, fake, url, address, peer };
}

async function joined(options: Parameters<typeof serveFake>[0] = {}) {
  const parts = await connect(options);
  parts.peer.send(register);
  const { result } = (await parts.peer.next()) as { result: { agentId: string; session: string } };
  return { ...parts, session: result.session };
}

describe("the upgrade", () => {
  test.each([
    ["without a key", {}, 401],
    ["with an unknown key", bearer("nonsense"), 401],
    ["with the key of a client", asClient, 403],
  ])("%s is answered over HTTP", async (_how, headers, status) => {
    const { url } = await serveFake();
    const refused = await refusedUpgrade(`${url}/v1/agents/connect`, headers);
    expect(refused.status).toBe(status);
    expect(JSON.parse(refused.body)).toMatchObject({ status, hint: expect.any(String) });
  });

  test("of another address is not made", async () => {
    const { url } = await serveFake();
    expect((await refusedUpgrade(`${url}/v1/nothing`, asRoot)).status).toBe(404);
  });

  test("is asked for where a plain GET comes", async () => {
    const { url } = await serveFake();
    const response = await fetch(`${url}/v1/agents/connect`, { headers: asAgent });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { hint: string }).hint).toContain("WebSocket");
  });
});

describe("an agent on a WebSocket", () => {
  test("registers, sends operations, and gets messages in between", async () => {
    const { fake, peer } = await joined();
    peer.send({ id: "x", operation: "heartbeat", body: {} });
    expect(await peer.next()).toEqual({ id: "x", result: { lost: [] } });
    fake.deliver("a1", { hello: 1 });
    expect(await peer.next()).toMatchObject({ message: { payload: { hello: 1 }, to: "a1" } });
    expect(fake.operations).toEqual([{ agentId: "a1", operation: "heartbeat", body: {} }]);
  });

  test("has several operations under way at once, answered by their id", async () => {
    const { fake, peer } = await joined();
    let release = () => {};
    fake.hold(
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    for (const id of [2, 3, 4]) peer.send({ id, operation: "broadcast", body: { payload: id } });
    await sleep(30);
    release();
    const answers = [await peer.next(), await peer.next(), await peer.next()] as { id: number }[];
    expect(answers.map(({ id }) => id).sort()).toEqual([2, 3, 4]);
  });

  test.each<[string, unknown, object]>([
    [
      "an unknown operation",
      { id: 2, operation: "dance" },
      { code: "not_found", hint: expect.stringContaining("settle") },
    ],
    ["a name of JavaScript", { id: 2, operation: "toString" }, { code: "not_found" }],
    ["a bad body", { id: 2, operation: "send", body: { to: 1 } }, { code: "invalid_request" }],
    ["no body", { id: 2, operation: "send" }, { code: "invalid_request" }],
    ["a NUL", { id: 2, operation: "send", body: { to: "\u0000", payload: 1 } }, { code: "invalid_request" }],
    [
      "a second agent",
      { id: 2, operation: "register", body: { ...registration, id: "a2" } },
      { code: "conflict" },
    ],
    ["a bad registration", { id: 2, operation: "register", body: { name: "" } }, { code: "invalid_request" }],
    [
      "a stale session",
      { id: 2, operation: "resume", body: { agentId: "a1", session: "x" } },
      { code: "agent_unknown" },
    ],
  ])("gets a problem for %s, and goes on", async (_what, frame, problem) => {
    const { peer } = await joined();
    peer.send(frame);
    expect(await peer.next()).toMatchObject({ id: 2, problem });
    peer.send({ id: 3, operation: "heartbeat", body: {} });
    expect(await peer.next()).toMatchObject({ id: 3, result: {} });
  });

  test("can do nothing before it has joined", async () => {
    const { peer } = await connect();
    peer.send({ id: 1, operation: "heartbeat", body: {} });
    expect(await peer.next()).toMatchObject({ id: 1, problem: { code: "invalid_request" } });
  });

  test.each<[string, string | Buffer, number]>([
    ["no JSON", "{", 1007],
    ["deep JSON", "[".repeat(1_000), 1007],
    ["__proto__", '{"id":1,"operation":"x","body":{"__proto__":1}}', 1007],
    ["no operation", '{"id":1}', 1008],
    ["an unknown field", '{"id":1,"operation":"heartbeat","extra":1}', 1008],
    ["binary data", Buffer.from("{}"), 1003],
    ["too much", `"${"x".repeat(limits.bodyBytes)}"`, 1009],
  ])("is closed for a frame with %s", async (_what, frame, code) => {
    const { peer } = await joined();
    peer.socket.send(frame);
    const closed = await peer.closed;
    expect(closed.code).toBe(code);
    if (code !== 1009) expect(closed.reason).not.toBe("");
  });

  test("is closed for text that is not UTF-8", async () => {
    const { peer } = await joined();
    peer.socket.send(Buffer.from([0xff, 0xff]), { binary: false });
    expect((await peer.closed).code).toBe(1007);
  });

  test("resumes on another connection, which takes over", async () => {
    const { fake, address, peer, session } = await joined();
    const second = await openSocket(address, asAgent);
    second.send({ id: 1, operation: "resume", body: { agentId: "a1", session } });
    expect(await second.next()).toEqual({ id: 1, result: { agentId: "a1" } });
    expect(await peer.closed).toMatchObject({ code: 1008, reason: expect.stringContaining("took over") });
    fake.deliver("a1", "to the second");
    expect(await second.next()).toMatchObject({ message: { payload: "to the second" } });
    expect(fake.detached).toEqual([]);
  });

  test("registers again on the same connection when the orchestrator forgot it", async () => {
    const { fake, peer } = await joined();
    fake.expire("a1");
    peer.send({ id: 2, operation: "heartbeat", body: {} });
    expect(await peer.next()).toMatchObject({ id: 2, problem: { code: "agent_unknown" } });
    peer.send({ ...register, id: 3 });
    expect(await peer.next()).toMatchObject({ id: 3, result: { agentId: "a1" } });
    expect(peer.socket.readyState).toBe(peer.socket.OPEN);
  });

  test("that breaks off is detached; one that says goodbye is not", async () => {
    const first = await joined();
    first.peer.socket.terminate();
    await until(() => first.fake.detached.length === 1);
    expect(first.fake.detached).toEqual(["a1"]);
    const second = await joined();
    second.peer.send({ id: 2, operation: "leave", body: {} });
    await second.peer.next();
    second.peer.socket.close();
    await second.peer.closed;
    await sleep(30);
    expect(second.fake.detached).toEqual([]);
  });

  test("may go on by polling with the same session", async () => {
    const { fake, url, peer, session } = await joined();
    const poll = () =>
      fetch(`${url}/v1/agents/a1/messages?waitMs=100`, { headers: bearer(session) }).then((r) => r.json());
    await poll();
    expect((await peer.closed).code).toBe(1008);
    fake.deliver("a1", "by polling");
    expect(await poll()).toMatchObject({ messages: [{ payload: "by polling" }] });
  });

  test("that never joins is closed", async () => {
    const { peer } = await connect({ joinWithinMs: 30 });
    expect(await peer.closed).toMatchObject({ code: 1008, reason: expect.stringContaining("Register") });
  });

  test("that is silent is dropped; one that answers pings is not", async () => {
    const { fake, address, peer } = await joined({ keepAlive: { pingMs: 50, silenceMs: 600 } });
    const mute = await openSocket(address, asAgent);
    mute.socket.pong = () => {};
    mute.send({ ...register, body: { ...registration, id: "mute" } });
    await until(() => fake.detached.includes("mute"));
    expect(peer.socket.readyState).toBe(peer.socket.OPEN);
  });

  test("whose key was revoked is closed", async () => {
    const { fake, peer } = await joined({ keepAlive: { pingMs: 10 } });
    fake.revoke(keys.agent);
    expect(await peer.closed).toMatchObject({ code: 1008, reason: expect.stringContaining("revoked") });
  });

  test("gets its last answers and a farewell when the server closes", async () => {
    const { api, fake, peer } = await joined();
    fake.hold(sleep(100));
    peer.send({ id: 2, operation: "heartbeat", body: {} });
    await sleep(30);
    await api.close();
    expect(await peer.closed).toMatchObject({ code: 1012 });
    expect(await peer.next()).toMatchObject({ id: 2, result: { lost: [] } });
  });
});
