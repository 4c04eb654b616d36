import type { TaskContext } from "@muster/sdk";
import { expect, it } from "vitest";
import { ModelError } from "../llm/model.ts";
import { fakeTask } from "../test/fake-task.ts";
import { type FakeTool, fakeToolbox } from "../test/fake-toolbox.ts";
import { echo, perform, type World } from "../test/perform-task.ts";
import { scriptedModel } from "../test/scripted-model.ts";
import { createModelAgent } from "./create-model-agent.ts";

it("answers a task without a tool, and reports what it cost", async () => {
  const { outcome, model, task } = await perform({ script: [{ text: "Three." }] });
  expect(outcome).toEqual({ ended: "Three." });
  expect(model.requests).toMatchObject([
    {
      model: "smart",
      system: "You count.",
      messages: [{ role: "user", content: expect.stringContaining("Count.") }],
    },
  ]);
  expect(task.spentMicros()).toBe(100);
  expect(task.logs).toMatchObject([
    { message: "Turn 1: an answer", fields: { model: "script-1", costMicros: 100 } },
  ]);
});

it("calls tools with ids of its own and gives results back under the model's", async () => {
  const { outcome, model, toolbox } = await perform({
    script: [
      {
        calls: [
          ["echo", { text: "a" }],
          ["echo", { text: "b" }],
        ],
      },
      { text: "done" },
    ],
    tools: { echo },
  });
  expect(outcome).toEqual({ ended: "done" });
  expect(toolbox.calls.map(({ id }) => id)).toEqual(["task_loop_1_0", "task_loop_1_1"]);
  expect(model.requests[1]!.messages.slice(1)).toEqual([
    {
      role: "assistant",
      content: "",
      toolCalls: [
        { id: "given_1_0", name: "echo", input: { text: "a" } },
        { id: "given_1_1", name: "echo", input: { text: "b" } },
      ],
    },
    {
      role: "tool",
      results: [
        { toolCallId: "given_1_0", name: "echo", content: "a", isError: false },
        { toolCallId: "given_1_1", name: "echo", content: "b", isError: false },
      ],
    },
  ]);
});

it("makes parallel calls side by side, and the others one by one in their order", async () => {
  const seen: string[] = [];
  let open = () => {};
  const both = new Promise<void>((resolve) => {
    open = resolve;
  });
  let waiting = 0;
  const read: FakeTool = {
    nature: "parallel",
    // Neither ends before the other has begun.
    run: async () => {
      if (++waiting === 2) open();
      await both;
      seen.push("read");
      return "";
    },
  };
  const write: FakeTool = {
    run: async ({ n }: { n: number }) => {
      seen.push(`begin ${n}`);
      await Promise.resolve();
      seen.push(`end ${n}`);
      return "";
    },
  };
  await perform({
    script: [
      {
        calls: [
          ["read", 1],
          ["read", 2],
          ["write", { n: 1 }],
          ["write", { n: 2 }],
        ],
      },
      { text: "x" },
    ],
    tools: { read, write },
  });
  expect(seen).toEqual(["read", "read", "begin 1", "end 1", "begin 2", "end 2"]);
});

const number = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };

it("sends a wrong answer back with what is wrong about it, and takes the right one", async () => {
  const { outcome, model } = await perform({
    script: [{ text: "It is 3." }, { text: '{"n": "3"}' }, { text: 'Here:\n```json\n{"n": 3}\n```' }],
    capability: { outputSchema: number },
  });
  expect(outcome).toEqual({ ended: { n: 3 } });
  expect(model.requests[0]).toMatchObject({
    outputSchema: number,
    system: expect.stringContaining('"integer"'),
  });
  expect(model.requests[1]!.messages.at(-1)).toMatchObject({ content: expect.stringContaining("not JSON") });
  expect(model.requests[2]!.messages.at(-1)).toMatchObject({
    content: expect.stringContaining("/n must be integer"),
  });
});

it("gives up on an answer that never gets right, and says what was wrong", async () => {
  const { outcome, model } = await perform({
    script: () => ({ text: "{}" }),
    capability: { outputSchema: number },
    agent: { limits: { repairs: 2 } },
  });
  expect(outcome).toMatchObject({
    failed: {
      code: "invalid_output",
      retryable: false,
      message: expect.stringMatching(/3 answers.*required property 'n'/),
    },
  });
  expect(model.requests).toHaveLength(3);
});

it("asks anew for an answer that was cut or is empty", async () => {
  const { outcome, model } = await perform({
    script: [{ text: "Too lo", finish: "length" }, { text: " " }, { text: "Short." }],
  });
  expect(outcome).toEqual({ ended: "Short." });
  expect(model.requests[1]!.messages.at(-1)).toMatchObject({ content: expect.stringContaining("shorter") });
  expect(model.requests[2]!.messages.at(-1)).toMatchObject({ content: expect.stringContaining("empty") });
});

it("ends when the model refuses", async () => {
  const { outcome } = await perform({ script: [{ text: "No.", finish: "refused" }] });
  expect(outcome).toMatchObject({ failed: { code: "model_refused", retryable: false } });
});

it("fails with the model's own word, and goes on from there at the next attempt", async () => {
  const task = fakeTask("Count.");
  let tries = 0;
  const world: World = {
    script: ({ messages }) => {
      if (messages.length === 1) return { calls: [["echo", { text: "a" }]] };
      if (++tries === 1)
        throw new ModelError("overloaded", "Try later.", { retryable: true, retryAfterMs: 5 });
      return { text: "done" };
    },
    tools: { echo },
    task,
  };
  const first = await perform(world);
  expect(first.outcome).toMatchObject({ failed: { code: "overloaded", retryAfterMs: 5 } });
  const second = await perform(world);
  expect(second.outcome).toEqual({ ended: "done" });
  expect(second.model.requests).toHaveLength(1);
  expect(second.toolbox.calls).toHaveLength(0);
  expect(task.spentMicros()).toBe(200);
});

it("tells the model what agents of the same run write to it, and the same in a replay", async () => {
  const model = scriptedModel(async ({ messages }) => {
    const turn = messages.filter(({ role }) => role === "assistant").length;
    if (turn === 1) throw new ModelError("overloaded", "Try later.", { retryable: true });
    return turn === 0 ? { calls: [["echo", { text: "a" }]] } : { text: "done" };
  });
  const toolbox = fakeToolbox({ echo });
  const start = () =>
    createModelAgent(
      { name: "a", model: "smart", system: "", capabilities: [{ name: "work" }] },
      { model, toolbox },
    );
  const task = fakeTask();
  const inRun = (context: TaskContext): TaskContext => ({ ...context, runId: "run-1" });
  const first = start();
  await task.attempt((context) => {
    const working = Promise.resolve(first.capabilities[0]!.handler(inRun(context)));
    const payload = { text: "The port is 8080.", taskId: "t", runId: "run-1" };
    void first.onMessage?.({ id: "1", from: "ann", payload, sentAt: "" });
    return working;
  });
  const heard = { role: "user", content: expect.stringContaining("ann: The port is 8080.") };
  expect(model.requests[0]!.messages).toMatchObject([heard]);
  await task.attempt((context) => Promise.resolve(start().capabilities[0]!.handler(inRun(context))));
  expect(model.requests).toHaveLength(3);
  expect(model.requests[2]!.messages.slice(1, 3)).toMatchObject([heard, { role: "assistant" }]);
});
