import fc from "fast-check";
import { expect, test } from "vitest";
import { type Answers, fakeHooks } from "../test/fake-hooks.ts";
import { fakeTask } from "../test/fake-task.ts";
import { fakeToolbox } from "../test/fake-toolbox.ts";
import { type Script, scriptedModel } from "../test/scripted-model.ts";
import { createJudge } from "./check-answer.ts";
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

const callThenTell: Script = ({ messages }) => {
  const last = messages.at(-1);
  if (last?.role !== "tool") return { calls: [["say", { text: "hello" }]] };
  return { text: `Told: ${last.results[0]!.content}` };
};

/** Killed at the given moments, one after the other; each process finds other hooks than the one before. */
async function killed(kills: readonly number[], answersOf: (attempt: number) => Answers) {
  const made: unknown[] = [];
  const task = fakeTask();
  const model = scriptedModel(callThenTell);
  const ran: string[] = [];
  const moments: string[] = [];
  let passed = 0;
  const pending = [...kills];
  const isKilled = (what: string): boolean => {
    moments.push(what);
    if (passed++ !== pending[0]) return false;
    pending.shift();
    passed = 0;
    return true;
  };
  for (let attempt = 1; ; attempt++) {
    const outcome = await task.attempt((context, pass) => {
      const { hooks } = fakeHooks(answersOf(attempt), async (what) => {
        if (what.startsWith("end")) ran.push(`${attempt} ${what}`);
        await pass(what);
      });
      const run = ({ text }: { text: string }) => {
        made.push(text);
        return `said ${text}`;
      };
      return runAgentLoop(context, {
        ...settings,
        model,
        hooks,
        toolbox: fakeToolbox({ say: { nature: "repeatable", run } }),
      });
    }, isKilled);
    if (!("killed" in outcome)) return { outcome, made, ran, task, moments };
  }
}

test("a refusal that was recorded stands, whatever hooks there are later and wherever the process is killed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 14 }), { maxLength: 4 }), async (kills) => {
      // Who comes later would allow everything.
      const { outcome, made, task } = await killed(kills, (attempt) =>
        attempt === 1 ? { PreToolUse: () => ({ refusal: "no" }) } : { PreToolUse: () => ({}) },
      );
      const recorded = task.journal.get("loop:1.0:before");
      const isRefused = recorded?.includes("refusal") === true;
      if (isRefused) expect([made, outcome]).toEqual([[], { ended: expect.stringContaining(": no") }]);
      // Without that entry nobody had refused; then it was made.
      else expect(made.length).toBeGreaterThan(0);
    }),
    { numRuns: 100 },
  );
});

test("killed behind any entry, no hook that ended is run again, and nothing else becomes of the task", async () => {
  const answersOf = (): Answers => ({
    SessionStart: () => ({ context: "a" }),
    PreToolUse: () => ({ input: { value: { text: "b" } } }),
    PostToolUse: () => ({ context: "c" }),
    Stop: () => ({}),
  });
  const whole = await killed([], answersOf);
  const entries = whole.moments.flatMap((what, at) => (what.startsWith("after ") ? [at] : []));
  expect([...whole.task.journal.keys()].sort()).toEqual([
    "loop:1",
    "loop:1.0",
    "loop:1.0:after",
    "loop:1.0:before",
    "loop:2",
    "loop:2:end",
    "loop:hook:SessionStart",
  ]);
  expect(entries).toHaveLength(7);
  for (const at of entries) {
    const { outcome, ran, made } = await killed([at], answersOf);
    const events = ran.map((what) => what.replace(/^\d+ end /, "")).sort();
    expect({ at: whole.moments[at], events, made, outcome }).toEqual({
      at: whole.moments[at],
      events: ["PostToolUse", "PreToolUse", "SessionStart", "Stop", "SubagentStop"],
      made: ["b"],
      outcome: whole.outcome,
    });
  }
});

test("a recorded refusal holds in an agent that has no hooks any more", async () => {
  const whole = await killed([], () => ({ PreToolUse: () => ({ refusal: "no" }) }));
  const at = whole.moments.indexOf("after loop:1.0:before");
  const { outcome, made, ran } = await killed([at], (attempt) =>
    attempt === 1 ? { PreToolUse: () => ({ refusal: "no" }) } : {},
  );
  expect([made, ran]).toEqual([[], ["1 end PreToolUse"]]);
  expect(outcome).toEqual(whole.outcome);
});
