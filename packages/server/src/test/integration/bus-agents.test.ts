import {
  type AgentCall,
  limits,
  type Message,
  type Problem,
  type TaskAssignment,
} from "@muster/sdk/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createInProcessBus } from "../../adapters/message-bus/in-process/create-in-process-bus.ts";
import type { Database } from "../../ports/database.ts";
import type { MessageBus } from "../../ports/message-bus.ts";
import { collector } from "../contracts/message-collector.ts";
import { emptyDatabase, freshDatabase, orchestrate, root, type TestOrchestrator } from "../orchestrate.ts";

let database: Database;
let bus: MessageBus;
let muster: TestOrchestrator;
let made = 0;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyDatabase(database);
  bus = createInProcessBus();
  muster = await orchestrate(database, {}, { bus });
});
afterEach(() => muster.stop());

const keyFor = async (role: "agent" | "client", tenant = "default"): Promise<string> =>
  (await muster.orchestrator.keys.create({ name: "test", role, tenant }, root)).key;

/** An agent that speaks with the bus itself, as one over AMQP does. */
async function openAgent(id: string) {
  const answers = collector();
  const tasks = collector();
  await bus.listen(id, answers.handler);
  await bus.subscribe(id, tasks.handler);
  async function post(payload: unknown, from = id): Promise<string> {
    const correlationId = `call-${++made}`;
    const sentAt = "2030-01-01T00:00:00.000Z";
    await bus.send(
      { id: correlationId, type: "query", from, to: "orchestrator", correlationId, payload, sentAt },
      5,
    );
    return correlationId;
  }
  async function call(operation: string, token: string, body?: unknown): Promise<unknown> {
    const seen = answers.got.length;
    const correlationId = await post({ operation, token, body } satisfies AgentCall);
    await answers.has(seen + 1);
    const answer = answers.got[seen]!;
    expect(answer).toMatchObject({ from: "orchestrator", to: id, type: "task_response", correlationId });
    const { result, problem } = answer.payload as { result: unknown; problem?: Problem };
    if (problem !== undefined) throw problem;
    return result;
  }
  async function register(token: string, capability = "count"): Promise<string> {
    const body = { id, name: id, capabilities: [{ name: capability }] };
    return ((await call("register", token, body)) as { session: string }).session;
  }
  return { id, answers, tasks, post, call, register };
}

const assignmentIn = ({ payload }: Message): TaskAssignment => payload as TaskAssignment;

describe("an agent that reads the bus itself", () => {
  test("registers, gets a task and settles it", async () => {
    const agent = await openAgent("counter.1");
    const session = await agent.register(await keyFor("agent"));
    const done = muster.finish({ capability: "count", input: { text: "one two" } });
    await agent.tasks.has(1);
    const { taskId, leaseToken, input } = assignmentIn(agent.tasks.got[0]!);
    expect(input).toEqual({ text: "one two" });
    expect(await agent.call("heartbeat", session, { tasks: [{ taskId, leaseToken }] })).toEqual({ lost: [] });
    const outcome = { status: "completed", output: 2 };
    expect(await agent.call("settle", session, { taskId, leaseToken, outcome })).toEqual({ accepted: true });
    expect((await done)[0]).toMatchObject({ status: "completed", output: 2 });
    await agent.call("leave", session, {});
    await expect(agent.call("heartbeat", session, {})).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("resumes with its session", async () => {
    const agent = await openAgent("counter");
    const session = await agent.register(await keyFor("agent"));
    expect(await agent.call("resume", session)).toEqual({ agentId: "counter" });
  });

  test("needs a key that is good for it", async () => {
    const agent = await openAgent("counter");
    await expect(agent.register("mk_wrong")).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
    await expect(agent.register(await keyFor("client"))).rejects.toMatchObject({ code: "forbidden" });
    await agent.register(await keyFor("agent"));
    await expect(agent.register(await keyFor("agent", "others"))).rejects.toMatchObject({ code: "conflict" });
  });

  test("acts under its own id only", async () => {
    const key = await keyFor("agent");
    const [honest, thief] = [await openAgent("honest"), await openAgent("thief")];
    const session = await honest.register(key);
    await thief.register(key, "steal");
    const done = muster.finish({ capability: "count", input: null });
    await honest.tasks.has(1);
    const { taskId, leaseToken } = assignmentIn(honest.tasks.got[0]!);
    const settle = { taskId, leaseToken, outcome: { status: "completed", output: "stolen" } };
    // Under its own name with the session of another, and under the name of another with its own.
    await expect(thief.call("settle", session, settle)).rejects.toMatchObject({ code: "forbidden" });
    const stolen = (await thief.register(key, "steal")) as string;
    const heard = honest.answers.got.length;
    await thief.post({ operation: "settle", token: stolen, body: settle }, "honest");
    await honest.answers.has(heard + 1);
    expect(honest.answers.got[heard]!.payload).toMatchObject({ problem: { code: "forbidden" } });
    await expect(
      thief.call("register", key, { id: "honest", name: "x", capabilities: [] }),
    ).rejects.toMatchObject({ code: "invalid_request" });
    const good = { ...settle, outcome: { status: "completed", output: "mine" } };
    await honest.call("settle", session, good);
    expect((await done)[0]!.output).toBe("mine");
  });

  test("hears what is wrong with a call", async () => {
    const agent = await openAgent("counter");
    const session = await agent.register(await keyFor("agent"));
    await expect(agent.call("dance", session)).rejects.toMatchObject({ code: "invalid_request" });
    await expect(agent.call("settle", session, { taskId: 7 })).rejects.toMatchObject({
      code: "invalid_request",
      errors: [{ path: expect.any(String), message: expect.any(String) }],
    });
    const seen = agent.answers.got.length;
    await agent.post("no call");
    await agent.answers.has(seen + 1);
    expect(agent.answers.got[seen]!.payload).toMatchObject({ problem: { code: "invalid_request" } });
    const payload = "x".repeat(limits.bodyBytes);
    await expect(agent.call("broadcast", session, { payload })).rejects.toMatchObject({
      code: "payload_too_large",
    });
  });

  test("is not answered for ever without proof, which costs those with proof nothing", async () => {
    const agent = await openAgent("counter");
    for (let index = 0; index < 40; index++) await agent.post({ operation: "leave", token: "guess" });
    await agent.answers.has(30);
    const seen = agent.answers.got.length;
    expect(seen).toBe(30);
    expect(await agent.register(await keyFor("agent"))).toMatch(/^counter~/);
    expect(agent.answers.got.length).toBe(seen + 1);
  });

  test("is not heard under a name that no agent may bear", async () => {
    const [agent, orchestrator] = [await openAgent("counter"), collector()];
    await bus.listen("orchestrator", orchestrator.handler);
    await agent.post({ operation: "leave", token: "guess" }, "orchestrator");
    await agent.post({ operation: "leave", token: "guess" }, "*");
    await agent.register(await keyFor("agent"));
    expect(orchestrator.got).toEqual([]);
  });

  test("may ask another while it goes on", async () => {
    const key = await keyFor("agent");
    const [asker, asked] = [await openAgent("asker"), await openAgent("asked")];
    const [session, other] = [await asker.register(key), await asked.register(key)];
    const answer = asker.call("query", session, { to: "asked", payload: "how many?" });
    await asked.tasks.has(1);
    const query = asked.tasks.got[0]!;
    await asked.call("reply", other, { to: "asker", correlationId: query.correlationId, payload: 3 });
    expect(await answer).toEqual({ payload: 3 });
  });
});
