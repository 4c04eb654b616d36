import { DelegationError, MusterError, type TaskResult } from "@muster/sdk";
import { expect, it, vi } from "vitest";
import { fakeToolbox } from "../test/fake-toolbox.ts";
import { createTeamTools, type TeamContext, type TeamToolsOptions } from "./create-team-tools.ts";
import { joinToolboxes } from "./join-toolboxes.ts";

const known = { memory: { text: "Tea at five.", scope: "agent", updatedAt: "2026-01-01T00:00:00Z" } };
const signal = new AbortController().signal;

/** What a task's context answers, and tools on it. */
const setUp = (answers: Partial<Record<keyof TeamContext, unknown>> = {}, options: TeamToolsOptions = {}) => {
  const documents = {
    put: vi.fn(async () => ({ version: 3 })),
    get: vi.fn(async (): Promise<unknown> => null),
    list: vi.fn(async () => ({ items: [{ path: "plan", version: 2, size: 5 }] })),
  };
  const memory = { remember: vi.fn(async () => undefined), recall: vi.fn(async () => ({ items: [known] })) };
  const ask = vi.fn(async (): Promise<unknown> => "Blue.");
  const context = {
    taskId: "t",
    runId: "r",
    findAgents: vi.fn(async () => []),
    delegateAll: vi.fn(async () => []),
    send: vi.fn(async () => undefined),
    broadcast: vi.fn(async () => undefined),
    state: { project: () => documents },
    memory,
    ask,
    ...answers,
  };
  const tools = createTeamTools(context as unknown as TeamContext, { project: "house", ...options });
  const call = (name: string, input: unknown) => tools.call({ id: "call-7", name, input }, signal);
  return { tools, call, context, documents, memory, ask };
};

it("finds agents and says how to hand them work", async () => {
  const found = {
    id: "a1",
    name: "reviewer",
    type: "custom",
    description: "",
    status: "available",
    capabilities: [{ name: "review", inputSchema: { type: "string" } }],
  };
  const { call, context } = setUp({ findAgents: vi.fn(async () => [found]) });
  const { content } = await call("find_agents", { query: "look at my code", limit: 3 });
  expect(context.findAgents).toHaveBeenCalledWith({ query: "look at my code", limit: 3 });
  expect(JSON.parse(content)).toEqual([
    { name: "reviewer", id: "a1", status: "available", capabilities: found.capabilities },
  ]);
  const none = setUp();
  expect((await none.call("find_agents", {})).content).toContain("Nobody was found");
});

it("delegates under the id of the call, and tells of each result however it ended", async () => {
  const results: TaskResult[] = [
    { id: "1", status: "completed", output: { n: 1 }, error: null },
    { id: "2", status: "failed", output: null, error: { code: "timeout", message: "Too slow.", details: 1 } },
    { id: "3", status: "cancelled", output: null, error: null },
  ];
  const { call, context } = setUp({ delegateAll: vi.fn(async () => results) });
  const tasks = [{ capability: "a", input: 1 }, { capability: "b", agent: "x" }, { capability: "c" }];
  const { content, isError } = await call("delegate", { tasks });
  expect(context.delegateAll).toHaveBeenCalledWith(tasks, { key: "call-7" });
  expect(isError).toBeUndefined();
  expect(JSON.parse(content)).toEqual([
    { capability: "a", status: "completed", output: { n: 1 } },
    { capability: "b", status: "failed", error: { code: "timeout", message: "Too slow." } },
    { capability: "c", status: "cancelled", error: null },
  ]);
});

it("tells the model of a refusal that it can do something about, and lets the attempt end with the others", async () => {
  const refuse = (code: ConstructorParameters<typeof MusterError>[0]) =>
    setUp({
      delegateAll: vi.fn(async () => Promise.reject(new MusterError(code, "No.", { hint: "Do else." }))),
    });
  const tasks = [{ capability: "a" }];
  expect(await refuse("limit_exceeded").call("delegate", { tasks })).toEqual({
    content: "limit_exceeded: No. Do else.",
    isError: true,
  });
  for (const code of ["budget_reached", "lease_lost", "unavailable"] as const)
    await expect(refuse(code).call("delegate", { tasks })).rejects.toMatchObject({ code });
});

it("stops waiting for others when the attempt is over", async () => {
  const { tools } = setUp({ delegateAll: () => new Promise(() => undefined) });
  const over = new AbortController();
  const waiting = tools.call(
    { id: "1", name: "delegate", input: { tasks: [{ capability: "a" }] } },
    over.signal,
  );
  over.abort(new Error("Cancelled."));
  await expect(waiting).rejects.toThrow("Cancelled.");
});

it("refuses inputs that break the schema, before anything is done", async () => {
  const { call, context } = setUp();
  expect(await call("delegate", { tasks: [] })).toMatchObject({
    isError: true,
    content: expect.stringContaining("/tasks"),
  });
  expect(await call("send_message", { to: "x" })).toMatchObject({ isError: true });
  expect(await call("delegate", { tasks: [{ capability: "a", idempotencyKey: "stolen" }] })).toMatchObject({
    isError: true,
  });
  expect(context.delegateAll).not.toHaveBeenCalled();
  expect(context.send).not.toHaveBeenCalled();
});

it("writes messages with the run that they are about, once", async () => {
  const { call, context, tools } = setUp();
  await call("send_message", { to: "b", text: "hello" });
  await call("broadcast", { text: "to all" });
  expect(context.send).toHaveBeenCalledWith("b", { text: "hello", taskId: "t", runId: "r" });
  expect(context.broadcast).toHaveBeenCalledWith({ text: "to all", taskId: "t", runId: "r" });
  expect(tools.isRepeatable?.("send_message")).toBe(false);
  expect(tools.isRepeatable?.("delegate")).toBe(true);
});

it("shares documents of its project, with the version that was read", async () => {
  const { call, documents } = setUp();
  expect((await call("share_state", { path: "plan", content: [1], ifVersion: 2 })).content).toBe(
    '{"path":"plan","version":3}',
  );
  expect(documents.put).toHaveBeenCalledWith("plan", [1], { ifVersion: 2 });
  expect((await call("read_state", {})).content).toBe('[{"path":"plan","version":2}]');
  expect((await call("read_state", { path: "plan" })).content).toBe("There is no document plan.");
  documents.get.mockResolvedValue({ version: 4, content: { a: 1 } });
  expect((await call("read_state", { path: "plan" })).content).toBe(
    '{"path":"plan","version":4,"content":{"a":1}}',
  );
});

it("remembers for itself or the project, and recalls", async () => {
  const { call, memory } = setUp();
  await call("remember", { text: "Tea at five." });
  await call("remember", { text: "Release on Monday.", shared: true });
  expect(memory.remember.mock.calls).toEqual([
    ["Tea at five.", {}],
    ["Release on Monday.", { project: "house" }],
  ]);
  expect(JSON.parse((await call("recall", { query: "tea" })).content)).toEqual([known.memory]);
  expect(memory.recall).toHaveBeenCalledWith("tea", { project: "house" });
});

it("has only the tools that there is something behind, or that are asked for", () => {
  const names = (options: TeamToolsOptions) =>
    createTeamTools(setUp().context as unknown as TeamContext, options).specs.map(({ name }) => name);
  expect(names({})).toEqual([
    "find_agents",
    "delegate",
    "send_message",
    "broadcast",
    "remember",
    "recall",
    "ask_human",
  ]);
  expect(names({ project: "house", only: ["delegate", "read_state", "no_such"] })).toEqual([
    "delegate",
    "read_state",
  ]);
});

it("joins toolboxes; the first that has a name counts", async () => {
  const first = fakeToolbox({ a: { nature: "parallel", run: () => "first" } });
  const second = fakeToolbox({ a: { run: () => "second" }, b: { nature: "repeatable", run: () => "b" } });
  const both = joinToolboxes(first, {
    ...second,
    admit: async () => ({ content: "Not today.", isError: true }),
  });
  expect(both.specs.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(await both.call({ id: "1", name: "a", input: {} }, signal)).toEqual({ content: "first" });
  expect([both.isParallel("a"), both.isParallel("b"), both.isRepeatable?.("b")]).toEqual([true, false, true]);
  expect(await both.admit?.({ id: "1", name: "a", input: {} }, signal)).toBeNull();
  expect(await both.admit?.({ id: "1", name: "b", input: {} }, signal)).toMatchObject({
    content: "Not today.",
  });
  expect(await both.call({ id: "1", name: "c", input: {} }, signal)).toEqual({
    content: "There is no tool c. There are: a, b.",
    isError: true,
  });
});

it("asks people under the id of the call, and says when nobody answers", async () => {
  const { call, ask } = setUp();
  expect((await call("ask_human", { question: "Which colour?" })).content).toBe("Blue.");
  expect(ask).toHaveBeenCalledWith("Which colour?", undefined, { key: "call-7" });
  const options = ["red", "blue"];
  await call("ask_human", { question: "Which one?", options, to: "ann" });
  const schema = { type: "string", enum: options };
  expect(ask).toHaveBeenLastCalledWith("Which one?", schema, { key: "call-7", to: { person: "ann" } });
  const error = { code: "expired", message: "Too late." };
  ask.mockRejectedValueOnce(new DelegationError({ id: "1", status: "failed", output: null, error }));
  expect((await call("ask_human", { question: "And?" })).content).toBe(
    "Nobody answered (expired): Too late.",
  );
});
