import { expect, test } from "vitest";
import { type Answers, fakeHooks } from "../test/fake-hooks.ts";
import { fakeTask } from "../test/fake-task.ts";
import { type FakeTool, fakeToolbox } from "../test/fake-toolbox.ts";
import { type Script, type ScriptedTurn, scriptedModel } from "../test/scripted-model.ts";
import type { Toolbox } from "../tools/tool.ts";
import { createJudge } from "./check-answer.ts";
import { mostHolds } from "./hook-steps.ts";
import { loopLimitsOf } from "./loop-limits.ts";
import { runAgentLoop } from "./run-agent-loop.ts";

const settings = {
  modelName: "smart",
  system: "",
  task: "Mend the wheel.",
  judge: createJudge(undefined, "output"),
  limits: loopLimitsOf(),
  maxOutputTokens: 100,
  contextTokens: 1_000_000,
  name: "loop",
  now: () => 0,
};

interface World {
  script: Script | readonly ScriptedTurn[];
  answers: Answers;
  tools?: Record<string, FakeTool>;
  admit?: Toolbox["admit"];
  limits?: Parameters<typeof loopLimitsOf>[0];
}

async function work({ script, answers, tools = {}, admit, limits }: World) {
  const model = scriptedModel(script);
  const toolbox = fakeToolbox(tools);
  const world = fakeHooks(answers);
  const task = fakeTask();
  const outcome = await task.attempt((context) =>
    runAgentLoop(context, {
      ...settings,
      ...(limits && { limits: loopLimitsOf(limits) }),
      model,
      toolbox: { ...toolbox, ...(admit && { admit }) },
      hooks: world.hooks,
    }),
  );
  return { outcome, model, toolbox, task, ...world };
}

const say: FakeTool = { nature: "once", run: ({ text }: { text: string }) => `said ${text}` };
const callThenTell: Script = ({ messages }) => {
  const last = messages.at(-1)!;
  if (messages.length === 1) return { calls: [["say", { text: "hello" }]] };
  return { text: `Told: ${last.role === "tool" ? last.results[0]!.content : JSON.stringify(last.content)}` };
};

test("a call that a hook refuses is not made, and the model is told why", async () => {
  const { outcome, toolbox, moments, task } = await work({
    script: callThenTell,
    answers: { PreToolUse: () => ({ refusal: "not on Fridays" }), PostToolUse: () => ({}) },
    tools: { say },
  });
  expect(outcome).toEqual({
    ended: "Told: Not called: a hook of the project refuses this call of say: not on Fridays",
  });
  expect(toolbox.calls).toEqual([]);
  expect(moments).toEqual([
    { event: "PreToolUse", call: { id: "task_loop_1_0", name: "say", input: { text: "hello" } } },
  ]);
  expect([...task.journal.keys()]).toEqual(["loop:1", "loop:1.0:before", "loop:2"]);
});

test("a changed input is what the call is made with, and the model gets to know", async () => {
  const { outcome, toolbox } = await work({
    script: callThenTell,
    answers: { PreToolUse: () => ({ input: { value: { text: "good day" } }, context: "Be polite." }) },
    tools: { say },
  });
  expect(toolbox.calls).toMatchObject([{ input: { text: "good day" } }]);
  expect(outcome).toEqual({
    ended: expect.stringMatching(/said good day[\s\S]*changed the input[\s\S]*good day[\s\S]*Be polite\./),
  });
});

test("a hook that wants a person to be asked has the toolbox ask, and is refused where nobody can be", async () => {
  const answers = { PreToolUse: () => ({ ask: "It is loud." }) };
  const alone = await work({ script: callThenTell, answers, tools: { say } });
  expect(alone.outcome).toEqual({ ended: expect.stringContaining("nobody can be asked here. It is loud.") });
  expect(alone.toolbox.calls).toEqual([]);
  const asked: unknown[] = [];
  const admit: Toolbox["admit"] = async (_, __, why) => {
    asked.push(why);
    return null;
  };
  const { toolbox } = await work({ script: callThenTell, answers, tools: { say }, admit });
  expect([asked, toolbox.calls.length]).toEqual([["It is loud."], 1]);
});

test("what a hook says of a result follows the result, and of what was not made nothing is said", async () => {
  const answers: Answers = {
    PostToolUse: () => ({ refusal: "line 3 is too long", context: "12 files checked" }),
    PostToolUseFailure: () => ({ context: "Look at the manual." }),
  };
  const good = await work({ script: callThenTell, answers, tools: { say } });
  expect(good.outcome).toEqual({
    ended: expect.stringMatching(/said hello[\s\S]*complains about this call: line 3[\s\S]*12 files checked/),
  });
  expect(good.moments).toMatchObject([{ event: "PostToolUse", outcome: { content: "said hello" } }]);
  const broken: FakeTool = { run: () => ({ content: "It broke.", isError: true }) };
  const bad = await work({ script: callThenTell, answers, tools: { say: broken } });
  expect(bad.outcome).toEqual({ ended: expect.stringMatching(/It broke\.[\s\S]*Look at the manual/) });
  const admit = async () => ({ content: "Declined.", isError: true });
  const declined = await work({ script: callThenTell, answers, tools: { say }, admit });
  expect([declined.outcome, declined.events()]).toEqual([{ ended: "Told: Declined." }, []]);
});

test("what is said at the start comes before the first answer, and a refused task ends at once", async () => {
  const { model, outcome, moments } = await work({
    script: [{ text: "Round." }],
    answers: {
      SessionStart: () => ({ context: "The branch is main." }),
      UserPromptSubmit: () => ({ context: "It is Monday." }),
    },
  });
  expect(outcome).toEqual({ ended: "Round." });
  expect(moments).toEqual([
    { event: "SessionStart" },
    { event: "UserPromptSubmit", prompt: "Mend the wheel." },
  ]);
  const [first] = model.requests[0]!.messages;
  expect(first).toMatchObject({ role: "user" });
  expect(JSON.stringify(first)).toMatch(/Mend the wheel[\s\S]*main[\s\S]*Monday/);
  const refused = await work({
    script: [{ text: "Round." }],
    answers: { UserPromptSubmit: () => ({ refusal: "it names a customer" }) },
  });
  expect(refused.outcome).toMatchObject({
    failed: {
      code: "refused_by_hook",
      retryable: false,
      message: expect.stringContaining("it names a customer"),
    },
  });
  expect(refused.model.requests).toEqual([]);
});

test("an end is held back until the hook is content, and at most so often", async () => {
  let complaints = 2;
  const { outcome, moments, model } = await work({
    script: () => ({ text: "Done." }),
    answers: { Stop: () => (complaints-- > 0 ? { refusal: "the tests fail" } : {}) },
  });
  expect(outcome).toEqual({ ended: "Done." });
  expect(moments.filter(({ event }) => event === "Stop")).toEqual(
    [false, true, true].map((isActive) => ({ event: "Stop", isActive, text: "Done." })),
  );
  expect(JSON.stringify(model.requests[1]?.messages)).toContain("the tests fail");
  const never = await work({
    script: () => ({ text: "Done." }),
    answers: { SubagentStop: () => ({ refusal: "no" }) },
  });
  expect(never.outcome).toEqual({ ended: "Done." });
  expect(never.model.requests).toHaveLength(mostHolds + 1);
  expect(never.task.logs.at(-1)?.message).toContain("the task ends all the same");
  const last = await work({
    script: () => ({ text: "Done." }),
    answers: { Stop: () => ({ refusal: "no" }) },
    limits: { turns: 2 },
  });
  expect([last.outcome, last.model.requests.length]).toEqual([{ ended: "Done." }, 2]);
});

test("a hook ends the whole task where it says so, and at an end lets it be the end", async () => {
  for (const event of ["PreToolUse", "PostToolUse", "UserPromptSubmit"] as const) {
    const { outcome } = await work({
      script: callThenTell,
      answers: { [event]: () => ({ halt: "enough" }) },
      tools: { say },
    });
    expect(outcome).toMatchObject({ failed: { code: "stopped_by_hook", retryable: false } });
  }
  const { outcome } = await work({
    script: [{ text: "Done." }],
    answers: { Stop: () => ({ halt: "enough" }), SubagentStop: () => ({ refusal: "go on" }) },
  });
  expect(outcome).toEqual({ ended: "Done." });
});

test("without hooks nothing is recorded of them", async () => {
  const { task } = await work({ script: callThenTell, answers: {}, tools: { say } });
  expect([...task.journal.keys()]).toEqual(["loop:1", "loop:1.0:begun", "loop:1.0", "loop:2"]);
});
