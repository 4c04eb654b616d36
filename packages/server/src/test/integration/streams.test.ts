import { createModelAgent } from "@muster/runtime";
import type { TaskContext, TextDelta } from "@muster/sdk";
import { expect, it, onTestFinished } from "vitest";
import { createDirectClient } from "../../direct-client.ts";
import { root, someone, type TestOrchestrator } from "../orchestrate.ts";
import { startTwoNodes } from "../two-nodes.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const fixture = useOrchestrator();

/** An agent whose task goes on until the test says so, and what its handler may say. */
const atWork = async (node: TestOrchestrator) => {
  let begun: (context: TaskContext) => void = () => {};
  const context = new Promise<TaskContext>((resolve) => {
    begun = resolve;
  });
  let finish = () => {};
  const end = new Promise<void>((resolve) => {
    finish = resolve;
  });
  await node.agent({
    name: "speaker",
    capabilities: [
      {
        name: "speak",
        async handler(given) {
          begun(given);
          await end;
        },
      },
    ],
  });
  const [task] = await node.orchestrator.tasks.submit([{ capability: "speak" }], someone);
  onTestFinished(finish);
  return { taskId: task!.id, context: await context, finish };
};

const clientOf = (node: TestOrchestrator, principal = someone) =>
  createDirectClient(node.orchestrator, principal, node.ports.clock, "1");

/** What a client reads of a task, until the test is over. */
const read = (node: TestOrchestrator, taskId: string): TextDelta[] => {
  const heard: TextDelta[] = [];
  const over = new AbortController();
  onTestFinished(() => over.abort());
  void (async () => {
    for await (const delta of clientOf(node).tasks.watch(taskId, { signal: over.signal })) heard.push(delta);
  })();
  return heard;
};

const textOf = (heard: readonly TextDelta[]) => heard.map(({ text }) => text).join("");

it("shows those who watch a task what its agent says, and keeps nothing of it", async () => {
  const { muster } = fixture;
  const { taskId, context, finish } = await atWork(muster);
  const heard = read(muster, taskId);
  const latest = await muster.orchestrator.events.latest();
  context.stream("Let me think.", { turn: 1 });
  await expect.poll(() => textOf(heard)).toBe("Let me think.");
  expect(heard[0]).toMatchObject({
    taskId,
    turn: 1,
    isRestart: false,
    missed: 0,
    agentId: expect.stringMatching(/^speaker/),
  });
  expect(await muster.orchestrator.events.latest()).toBe(latest);
  finish();
  await muster.orchestrator.tasks.wait(taskId, 10_000, someone);
});

it("shows another tenant nothing, nor somebody who names no task", async () => {
  const { muster } = fixture;
  const { taskId } = await atWork(muster);
  const { streams } = muster.orchestrator;
  const stranger = { ...someone, tenant: "stranger" };
  await expect(streams.watch({ taskId }, stranger, () => {})).rejects.toMatchObject({ code: "not_found" });
  await expect(streams.watch({ runId: taskId }, someone, () => {})).rejects.toMatchObject({
    code: "not_found",
  });
});

it("takes words under a live lease alone, and no more of them than anybody can read", async () => {
  const { muster } = fixture;
  const { taskId } = await atWork(muster);
  const heard: TextDelta[] = [];
  const subscription = await muster.orchestrator.streams.watch({ taskId }, root, (delta) =>
    heard.push(delta),
  );
  onTestFinished(() => subscription.end());
  const { gateway } = muster.orchestrator;
  const { agentId } = await gateway.register(
    { name: "rogue", capabilities: [{ name: "rogue" }] },
    root,
    () => {},
  );
  const forged = { taskId, leaseToken: "0190163d-8694-739b-aea5-966c26f8ad91", turn: 1, text: "Buy now!" };
  await expect(gateway.request(agentId, "stream", forged)).rejects.toMatchObject({ code: "lease_lost" });
  const [row] = await fixture.database.query(
    { name: "lease_of_test", text: "select lease_token as token from task where id = $1" } as never,
    [taskId],
  );
  const lease = { taskId, leaseToken: (row as { token: string }).token, turn: 1 };
  const text = "x".repeat(8_000);
  for (let n = 0; n < 500; n++) await gateway.request(agentId, "stream", { ...lease, text });
  expect(textOf(heard).length).toBeLessThan(60 * 8_000);
  await expect(gateway.request(agentId, "stream", { ...lease, text: text + text })).rejects.toMatchObject({
    code: "invalid_request",
  });
  await expect
    .poll(async () => {
      await gateway.request(agentId, "stream", { ...lease, text: "after" });
      return heard.at(-1);
    })
    .toMatchObject({ text: "after", missed: expect.any(Number) });
  const known = heard.reduce((sum, { missed, text: shown }) => sum + missed + shown.length, 0);
  expect(known).toBeGreaterThanOrEqual(500 * 8_000);
});

it("carries words to those who watch at another node, and only there", async () => {
  const nodes = await startTwoNodes(fixture.database);
  onTestFinished(() => nodes.stop());
  const { taskId, context, finish } = await atWork(nodes.one);
  const heard = read(nodes.other, taskId);
  await expect
    .poll(() => {
      context.stream("here. ", { turn: 1 });
      return textOf(heard);
    })
    .toContain("here. ");
  finish();
  await nodes.one.orchestrator.tasks.wait(taskId, 10_000, someone);
});

it("shows what a model says, without secrets", async () => {
  const { muster } = fixture;
  const secret = `sk-ant-${"abcd1234".repeat(5)}`;
  const words = [
    `The key is ${secret.slice(0, 15)}`,
    `${secret.slice(15)} and `,
    "nobody may know it. ".repeat(5),
  ];
  let speak = () => {};
  const watched = new Promise<void>((resolve) => {
    speak = resolve;
  });
  await muster.agent(
    createModelAgent(
      { name: "thinker", model: "scripted", system: "", capabilities: [{ name: "think" }] },
      {
        toolbox: { specs: [], isParallel: () => false, call: async () => ({ content: "" }) },
        model: {
          async generate(_, { onText } = {}) {
            await watched;
            for (const word of words) onText?.(word);
            const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, cacheWriteTokens: 0 };
            const about = { provider: "p", model: "m", costMicros: 0, usage, toolCalls: [] };
            // The task is still at work when its words are on their way.
            await new Promise((resolve) => setTimeout(resolve, 400));
            return { ...about, text: words.join(""), finish: "stop" };
          },
        },
      },
    ),
  );
  const [task] = await muster.orchestrator.tasks.submit([{ capability: "think" }], someone);
  const heard = read(muster, task!.id);
  speak();
  await expect.poll(() => textOf(heard)).toContain("nobody may know it");
  expect(textOf(heard)).toContain("The key is [secret removed] and ");
  expect(textOf(heard)).not.toContain("abcd1234");
});
