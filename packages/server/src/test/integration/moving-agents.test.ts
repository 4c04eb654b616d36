import { type Message, MusterError, type TaskAssignment } from "@muster/sdk/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { AgentLine, LineEnd } from "../../core/orchestrator.ts";
import type { Database } from "../../ports/database.ts";
import { emptyDatabase, freshDatabase, root, someone } from "../orchestrate.ts";
import { startTwoNodes, type TwoNodes } from "../two-nodes.ts";

const leaseMs = 20_000;
const graceMs = 150;
/** For what is found out once in a lease. */
const soonMs = 300;

let database: Database;
let nodes: TwoNodes;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyDatabase(database);
  nodes = await startTwoNodes(database, { leaseMs, graceMs });
});
afterEach(() => nodes.stop());

interface RecordedLine extends AgentLine {
  got: Message[];
  ended: LineEnd[];
}

/** A connection that keeps what comes; `unread` is what it gives back when it ends. */
function createLine(unread: () => Message[] = () => []): RecordedLine {
  const got: Message[] = [];
  const ended: LineEnd[] = [];
  return Object.assign((message: Message) => void got.push(message), {
    got,
    ended,
    end(reason: LineEnd) {
      ended.push(reason);
      return unread();
    },
  });
}

const registration = { id: "mover", name: "mover", capabilities: [{ name: "move" }] };
const heartbeat = { status: "available" } as const;

async function submit(): Promise<string> {
  const [task] = await nodes.one.orchestrator.tasks.submit([{ capability: "move" }], someone);
  return task?.id as string;
}

const assignments = ({ got }: RecordedLine) =>
  got.filter(({ type }) => type === "task_request").map(({ payload }) => payload as TaskAssignment);

async function settleAt(node: TwoNodes["one"], assignment: TaskAssignment | undefined) {
  const { taskId = "", leaseToken = "" } = assignment ?? {};
  const outcome = { status: "completed" as const, output: "done" };
  await node.orchestrator.gateway.request("mover", "settle", { taskId, leaseToken, outcome });
}

it("a session is good at every node, and operations are done wherever they arrive", async () => {
  const line = createLine();
  const { session } = await nodes.one.orchestrator.gateway.register(registration, root, line);
  const { gateway } = nodes.other.orchestrator;
  expect(await gateway.authenticate(session)).toEqual({ agentId: "mover" });
  expect(await gateway.authenticate(`${session}x`)).toBeUndefined();
  expect(await gateway.authenticate(session.slice(1))).toBeUndefined();
  const id = await submit();
  await expect.poll(() => assignments(line)).toHaveLength(1);
  await settleAt(nodes.other, assignments(line)[0]);
  expect(await nodes.one.orchestrator.tasks.get(id, someone)).toMatchObject({ status: "completed" });
});

it("a new registration ends the session before, on all nodes", async () => {
  const first = await nodes.one.orchestrator.gateway.register(registration, root, createLine());
  const second = await nodes.other.orchestrator.gateway.register(registration, root, createLine());
  for (const { orchestrator } of [nodes.one, nodes.other]) {
    await expect.poll(() => orchestrator.gateway.authenticate(first.session)).toBeUndefined();
    expect(await orchestrator.gateway.authenticate(second.session)).toEqual({ agentId: "mover" });
  }
});

it("an agent that goes to another node keeps its task, and the node before lets go of it", async () => {
  const { one, other } = nodes;
  const before = createLine();
  const after = createLine();
  const { session } = await one.orchestrator.gateway.register(registration, root, before);
  const id = await submit();
  await expect.poll(() => assignments(before)).toHaveLength(1);
  one.orchestrator.gateway.detach("mover");
  await other.orchestrator.gateway.attach("mover", session, after);
  const [assignment] = assignments(before);
  const lease = { taskId: id, leaseToken: assignment?.leaseToken ?? "" };
  // Far beyond the grace of the first node, which must not take the agent for dead.
  for (let beats = 0; beats < 6; beats++) {
    await new Promise((resolve) => setTimeout(resolve, graceMs / 2));
    const { lost } = await other.orchestrator.gateway.request("mover", "heartbeat", {
      ...heartbeat,
      tasks: [lease],
    });
    expect(lost).toEqual([]);
  }
  await settleAt(other, assignment);
  expect(await one.orchestrator.tasks.get(id, someone)).toMatchObject({ status: "completed", attempts: 1 });
  await submit();
  await expect.poll(() => assignments(after)).toHaveLength(1);
  expect(await one.orchestrator.gateway.isHome("mover")).toBe(false);
  expect(await other.orchestrator.gateway.isHome("mover")).toBe(true);
});

it("what an agent had not fetched at one node goes after it to the other", async () => {
  const { one, other } = nodes;
  const unread: Message[] = [];
  const mailbox: AgentLine = Object.assign((message: Message) => void unread.push(message), {
    end: () => unread.splice(0),
  });
  const { session } = await one.orchestrator.gateway.register(registration, root, mailbox);
  await submit();
  await expect.poll(() => unread).toHaveLength(1);
  const after = createLine();
  await other.orchestrator.gateway.attach("mover", session, after);
  await expect.poll(() => assignments(after)).toHaveLength(1);
  await settleAt(other, assignments(after)[0]);
});

it("what comes while an agent is on its way waits for it", async () => {
  const { one } = nodes;
  const { session } = await one.orchestrator.gateway.register(registration, root, createLine());
  one.orchestrator.gateway.detach("mover");
  const id = await submit();
  await expect.poll(async () => (await one.orchestrator.tasks.get(id, someone)).status).toBe("in_progress");
  const after = createLine();
  await one.orchestrator.gateway.attach("mover", session, after);
  await expect.poll(() => assignments(after)).toMatchObject([{ taskId: id, attempt: 1 }]);
});

it("an agent is not at home where nothing can be received for it, and comes again", async () => {
  const { one, other } = nodes;
  const before = createLine();
  const { session } = await one.orchestrator.gateway.register(registration, root, before);
  const away = new MusterError("unavailable", "The message broker is out of reach.");
  vi.spyOn(other.ports.bus, "subscribe").mockRejectedValueOnce(away);
  await expect(other.orchestrator.gateway.attach("mover", session, createLine())).rejects.toBe(away);
  expect(await other.orchestrator.gateway.isHome("mover")).toBe(false);
  vi.spyOn(one.ports.bus, "subscribe").mockRejectedValueOnce(away);
  await expect(one.orchestrator.gateway.attach("mover", session, createLine())).rejects.toBe(away);
  expect(before.ended).toEqual([]);
  await submit();
  await expect.poll(() => assignments(before)).toHaveLength(1);
  await settleAt(one, assignments(before)[0]);
  const after = createLine();
  await other.orchestrator.gateway.attach("mover", session, after);
  await submit();
  await expect.poll(() => assignments(after)).toHaveLength(1);
});

it("a node that hears no signal finds out by itself that its agent is elsewhere", async () => {
  await nodes.stop();
  nodes = await startTwoNodes(database, { leaseMs: soonMs, graceMs });
  const { one, other } = nodes;
  nodes.deafen();
  const before = createLine();
  const { session } = await one.orchestrator.gateway.register(registration, root, before);
  await other.orchestrator.gateway.attach("mover", session, createLine());
  await expect.poll(() => before.ended, { timeout: 5_000 }).toEqual(["replaced"]);
});

it("a cache that forgot everything is filled again by the node that has the agent", async () => {
  await nodes.stop();
  nodes = await startTwoNodes(database, { leaseMs: soonMs, graceMs });
  const { one, other } = nodes;
  const { session } = await one.orchestrator.gateway.register(registration, root, createLine());
  const beating = setInterval(() => {
    void one.orchestrator.gateway.request("mover", "heartbeat", heartbeat).catch(() => {});
  }, 100);
  nodes.forget();
  expect(await other.orchestrator.gateway.authenticate(session)).toBeUndefined();
  await expect
    .poll(() => other.orchestrator.gateway.authenticate(session), { timeout: 5_000 })
    .toEqual({ agentId: "mover" });
  clearInterval(beating);
});

it("an agent that is nowhere any more is taken for dead when the grace is over", async () => {
  const { one, other } = nodes;
  await one.orchestrator.gateway.register(registration, root, createLine());
  one.orchestrator.gateway.detach("mover");
  await expect
    .poll(() => other.orchestrator.agents.get("mover", root).catch((error) => error.code), { timeout: 5_000 })
    .toBe("not_found");
});

it("a node that stops hands its agents over with what they have not got", async () => {
  const { one } = nodes;
  const unread: Message[] = [];
  const end = vi.fn((_: LineEnd) => unread.splice(0));
  const mailbox = Object.assign((message: Message) => void unread.push(message), { end });
  await one.orchestrator.gateway.register(registration, root, mailbox);
  await submit();
  await expect.poll(() => unread).toHaveLength(1);
  const [message] = unread;
  const send = vi.spyOn(one.ports.bus, "send");
  await one.orchestrator.gateway.handOver();
  expect(end.mock.calls).toEqual([["closing"]]);
  expect(send).toHaveBeenCalledWith(message, expect.any(Number));
  expect(await one.orchestrator.gateway.isHome("mover")).toBe(false);
});

it("an answer finds the node where the question was asked", async () => {
  const { one, other } = nodes;
  await one.agent({
    name: "sage",
    capabilities: [{ name: "sit", handler: () => null }],
    onQuery: ({ payload }) => `yes, ${payload}`,
  });
  await one.orchestrator.gateway.register(registration, root, createLine());
  const answer = await other.orchestrator.gateway.request("mover", "query", { to: "sage", payload: "sir" });
  expect(answer).toEqual({ payload: "yes, sir" });
});

it("an agent that reads its own queue is not subscribed for", async () => {
  const { gateway } = nodes.one.orchestrator;
  const subscribe = vi.spyOn(nodes.one.ports.bus, "subscribe");
  const provide = vi.spyOn(nodes.one.ports.bus, "provide");
  const { session } = await gateway.register(registration, root, null);
  expect(provide).toHaveBeenCalledWith("mover");
  expect(subscribe).not.toHaveBeenCalled();
  expect(await nodes.other.orchestrator.gateway.authenticate(session)).toEqual({ agentId: "mover" });
});
