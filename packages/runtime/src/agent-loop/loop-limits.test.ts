import { expect, it } from "vitest";
import { fakeTask } from "../test/fake-task.ts";
import { type FakeTool, fakeToolbox } from "../test/fake-toolbox.ts";
import { echo, perform, type World } from "../test/perform-task.ts";
import { scriptedModel } from "../test/scripted-model.ts";
import { createModelAgent } from "./create-model-agent.ts";

it("says when a turn is the last one, and ends behind it", async () => {
  const { outcome, model, toolbox } = await perform({
    script: (request) => ({ calls: [["echo", { text: String(request.messages.length) }]] }),
    tools: { echo },
    agent: { limits: { turns: 3 } },
  });
  expect(outcome).toMatchObject({ failed: { code: "turn_limit", retryable: false } });
  expect(model.requests).toHaveLength(3);
  expect(model.requests[1]!.messages.at(-1)).toMatchObject({ role: "tool" });
  expect(model.requests[2]!.messages.at(-1)).toMatchObject({ content: expect.stringContaining("last turn") });
  expect(toolbox.calls).toHaveLength(2);
});

it.each([
  [{ tokens: 30 }, "token_limit"],
  [{ moneyMicros: 200 }, "cost_limit"],
])("ends at the limit %o", async (limits, code) => {
  const { outcome, model } = await perform({
    script: (request) => ({ calls: [["echo", { text: String(request.messages.length) }]] }),
    tools: { echo },
    agent: { limits },
  });
  expect(outcome).toMatchObject({ failed: { code, retryable: false } });
  expect(model.requests).toHaveLength(2);
});

it("refuses a model without a price where money is limited", async () => {
  const { outcome } = await perform({
    script: [{ text: "x", costMicros: null }],
    agent: { limits: { moneyMicros: 1 } },
  });
  expect(outcome).toMatchObject({ failed: { code: "unpriced_model" } });
});

it("stops a call that is under way when the time is over, and counts time from the first attempt", async () => {
  const stuck: FakeTool = {
    run: (_input, _call, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  };
  const task = fakeTask();
  const world: World = { script: [{ calls: [["stuck", null]] }], tools: { stuck }, task };
  const { outcome } = await perform({ ...world, agent: { limits: { timeMs: 20 } } });
  expect(outcome).toMatchObject({ failed: { code: "time_limit", retryable: false } });
  // An hour later, on another node with a larger limit, it is over all the same.
  const later = { limits: { timeMs: 1_000_000 } };
  const again = await perform({ ...world, agent: later, now: () => Date.now() + 3_600_000 });
  expect(again.outcome).toMatchObject({ failed: { code: "time_limit" } });
  expect(again.model.requests).toHaveLength(0);
});

it("warns a model that goes in a circle, and ends it", async () => {
  const { outcome, model } = await perform({
    script: ({ messages }) => {
      const turn = messages.filter(({ role }) => role === "assistant").length;
      // The order of members is no difference, and neither is another call between them.
      if (turn % 2 === 0)
        return { calls: [["echo", turn % 4 === 0 ? { text: "a", to: 1 } : { to: 1, text: "a" }]] };
      return { calls: [["echo", { text: `other ${turn}` }]] };
    },
    tools: { echo },
  });
  expect(outcome).toMatchObject({
    failed: { code: "stuck_loop", retryable: false, message: expect.stringContaining("echo") },
  });
  expect(model.requests).toHaveLength(11);
  expect(model.requests[5]!.messages.at(-1)).toMatchObject({ content: expect.stringContaining("3 times") });
});

it("lets a model wait for something whose state changes", async () => {
  let polls = 0;
  const poll: FakeTool = { nature: "parallel", run: () => `${++polls} of 20` };
  const { outcome } = await perform({
    script: () => (polls < 20 ? { calls: [["poll", {}]] } : { text: "ready" }),
    tools: { poll },
  });
  expect(outcome).toEqual({ ended: "ready" });
});

it("tells the model of calls beyond the bound and of inputs that are nested too deeply", async () => {
  let deep: unknown = "x";
  for (let level = 0; level < 60; level++) deep = [deep];
  const { model, toolbox } = await perform({
    script: [
      {
        calls: [
          ["echo", deep],
          ["echo", { text: "a" }],
          ["echo", { text: "b" }],
        ],
      },
      { text: "x" },
    ],
    tools: { echo },
    agent: { limits: { callsPerTurn: 2 } },
  });
  expect(toolbox.calls).toHaveLength(1);
  expect(model.requests[1]!.messages.at(-1)).toMatchObject({
    results: [
      { isError: true, content: expect.stringContaining("nested") },
      { isError: false, content: "a" },
      { isError: true, content: expect.stringContaining("a turn may make 2 calls") },
    ],
  });
});

it("keeps the whole of a long result as an artifact, and a long entry as well", async () => {
  const long = "é".repeat(200_000);
  const { model, task } = await perform({
    script: [{ text: "t".repeat(300_000), calls: [["long", null]] }, { text: "x" }],
    tools: { long: { run: () => long } },
  });
  const [, turn, results] = model.requests[1]!.messages as [
    unknown,
    { content: string },
    { results: { content: string }[] },
  ];
  expect(turn.content).toHaveLength(300_000);
  const { content } = results.results[0]!;
  expect(Buffer.byteLength(content)).toBeLessThan(65 * 1024 + 300);
  expect(content).toMatch(
    /^é{32768}\n\n\[Cut: the first 65536 of 400000 bytes\. All of it is the artifact agent-loop\/task\/loop\/1\.0\.txt\.\]$/,
  );
  expect(task.artifacts.get("agent-loop/task/loop/1.0.txt")).toBe(long);
  for (const entry of task.journal.values()) expect(entry.length).toBeLessThan(260 * 1024);
});

it("refuses a definition whose limits are none", () => {
  const definition = { name: "x", model: "smart", system: "", capabilities: [], limits: { turns: 0 } };
  const options = { model: scriptedModel([]), toolbox: fakeToolbox({}) };
  expect(() => createModelAgent(definition, options)).toThrow(/turns.*from 1 to 1000/);
});
