import { expect, it } from "vitest";
import { ModelError, type ModelRequest } from "../llm/model.ts";
import { fakeTask } from "../test/fake-task.ts";
import { fakeToolbox } from "../test/fake-toolbox.ts";
import { type Script, scriptedModel } from "../test/scripted-model.ts";
import { createJudge } from "./check-answer.ts";
import { loopLimitsOf } from "./loop-limits.ts";
import type { LoopSettings } from "./loop-settings.ts";
import { runAgentLoop } from "./run-agent-loop.ts";

const isSummaryRequest = ({ messages }: ModelRequest) =>
  messages.length === 1 && JSON.stringify(messages).includes("<work>");

const settingsOf = (script: Script, contextTokens: number) => {
  const model = scriptedModel(script);
  const read = {
    nature: "parallel" as const,
    run: ({ n }: { n: number }) => `page ${n} ${"x".repeat(3_000)}`,
  };
  const settings: LoopSettings = {
    model,
    modelName: "smart",
    system: "You read.",
    task: "Read ten pages.",
    toolbox: fakeToolbox({ read }),
    judge: createJudge(undefined, "output"),
    limits: loopLimitsOf(),
    maxOutputTokens: 100,
    contextTokens,
    name: "loop",
    now: () => 0,
  };
  return { settings, model };
};

/** Counts nothing, as some servers do, so that the loop has to estimate. */
const uncounted = { usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0 } };

/** Reads one page after the other, and knows from the conversation, or its summary, how far it got. */
const reader: Script = (request) => {
  const told = JSON.stringify(request.messages);
  const pages = [...told.matchAll(/page (\d+)/g)].map(([, n]) => Number(n));
  const last = Math.max(0, ...pages);
  if (isSummaryRequest(request)) return { text: `I have read up to page ${last}.`, ...uncounted };
  return last === 10 ? { text: "Read.", ...uncounted } : { calls: [["read", { n: last + 1 }]], ...uncounted };
};

it("sums up what would overflow the context, and goes on with the newest turns", async () => {
  const { settings, model } = settingsOf(reader, 4_500);
  const task = fakeTask();
  const outcome = await task.attempt((context) => runAgentLoop(context, settings));
  expect(outcome).toEqual({ ended: "Read." });
  const summaries = model.requests.filter(isSummaryRequest);
  expect(summaries.length).toBeGreaterThanOrEqual(2);
  for (const { messages } of model.requests) {
    expect(Buffer.byteLength(JSON.stringify(messages)) / 3).toBeLessThan(4_500);
    if (messages.length === 1) continue;
    expect(messages[0]).toMatchObject({ role: "user", content: expect.stringContaining("Read ten pages.") });
    // A result never stands without the turn that asked for it.
    expect(
      messages
        .slice(1)
        .map(({ role }) => role)
        .join(" "),
    ).toMatch(/^(assistant tool ?)+$/);
  }
});

it("sums up the same way in a replay, whatever is configured by then", async () => {
  const first = settingsOf(reader, 4_500);
  const task = fakeTask();
  await task.attempt(
    (context) => runAgentLoop(context, first.settings),
    (what) => what === "after loop:8",
  );
  const second = settingsOf(reader, 1_000_000);
  const outcome = await task.attempt((context) => runAgentLoop(context, second.settings));
  expect(outcome).toEqual({ ended: "Read." });
  const [next] = second.model.requests;
  expect(first.model.requests.some(isSummaryRequest)).toBe(true);
  expect(next!.messages[0]).toMatchObject({ content: expect.stringContaining("I have read up to page") });
});

const overflow = new ModelError("context_overflow", "Too long.", { retryable: false });

it("sums up when the provider says that it is too much, and only once in a row", async () => {
  const most = 4_000;
  const { settings, model } = settingsOf((request, options) => {
    if (!isSummaryRequest(request) && JSON.stringify(request.messages).length > most * 3) throw overflow;
    return reader(request, options);
  }, 1_000_000);
  const task = fakeTask();
  expect(await task.attempt((context) => runAgentLoop(context, settings))).toEqual({ ended: "Read." });
  expect(model.requests.some(isSummaryRequest)).toBe(true);

  const hopeless = settingsOf((request) => {
    if (isSummaryRequest(request)) return { text: "short" };
    if (request.messages.length > 1 || JSON.stringify(request.messages).includes("short")) throw overflow;
    return { calls: [["read", { n: 1 }]] };
  }, 1_000_000);
  const outcome = await fakeTask().attempt((context) => runAgentLoop(context, hopeless.settings));
  expect(outcome).toMatchObject({ failed: { code: "context_overflow", retryable: false } });
  expect(hopeless.model.requests).toHaveLength(4);
});
