import { expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import { fakeRun } from "../../test/fake-client.ts";
import { startProgress } from "./run-progress.ts";
import { createRunReporter } from "./run-reporter.ts";

const stepOf = (total: number) => {
  const progress = startProgress(fakeRun());
  const step = progress.steps.get("check");
  if (!step) throw new Error("the run has no step check");
  return Object.assign(step, { total });
};

test("a fan-out is told in tenths, not task by task", () => {
  const context = createFakeCliContext();
  const reporter = createRunReporter(context);
  const step = stepOf(200);
  for (let ended = 1; ended <= 200; ended++) {
    step.completed = ended;
    reporter.update([{ kind: "step-advanced", step }]);
  }
  const lines = context.stderr.text().trim().split("\n");
  expect(lines).toHaveLength(9);
  expect(lines[0]).toBe("check: 20 of 200 (10 %)");
  expect(lines.at(-1)).toBe("check: 180 of 200 (90 %)");
});

test("a few tasks are told by their start and end alone", () => {
  const context = createFakeCliContext();
  const reporter = createRunReporter(context);
  const step = stepOf(4);
  for (step.completed = 1; step.completed <= 4; step.completed++) {
    reporter.update([{ kind: "step-advanced", step }]);
  }
  expect(context.stderr.text()).toBe("");
});

test("failures are told with their error, and whether it is tried again", () => {
  const context = createFakeCliContext();
  const reporter = createRunReporter(context);
  const error = { code: "x", message: "it\nbroke" };
  reporter.update([
    { kind: "task-failed", taskId: "t-1", step: "check", error, final: false },
    { kind: "task-failed", taskId: "t-1", step: "check", error, final: true },
  ]);
  expect(context.stderr.text()).toBe(
    "check: task t-1 failed and will be retried: it broke\ncheck: task t-1 failed: it broke\n",
  );
});

test("a step is told with its counts and why it was skipped", () => {
  const context = createFakeCliContext();
  const reporter = createRunReporter(context);
  const step = Object.assign(stepOf(10), {
    startedAtMs: 1_000,
    finishedAtMs: 3_500,
    completed: 8,
    failed: 2,
  });
  reporter.update([{ kind: "step-started", step }]);
  reporter.update([{ kind: "step-finished", step: { ...step, status: "completed" } }]);
  reporter.update([{ kind: "step-finished", step: { ...step, status: "skipped", reason: "when is false" } }]);
  expect(context.stderr.text()).toBe(
    "check (check_it) started: 10 tasks\ncheck completed: 8 of 10, 2 failed in 2.5s\ncheck skipped (when is false)\n",
  );
});

test("a terminal gets a view that is redrawn, and what it last showed stays", () => {
  const ticks: (() => void)[] = [];
  const context = createFakeCliContext({
    isTTY: true,
    every: (_, tick) => {
      ticks.push(tick);
      return () => ticks.splice(0);
    },
  });
  const reporter = createRunReporter(context);
  reporter.say("opening the store…");
  expect(context.stderr.text()).toContain("opening the store…");
  const progress = startProgress(fakeRun());
  reporter.begin(progress);
  Object.assign(progress.steps.get("list") ?? {}, { status: "completed", total: 1, completed: 1 });
  for (const tick of ticks) tick();
  reporter.close();
  reporter.close();
  expect(context.stderr.text()).toContain("✔ list");
  expect(ticks).toEqual([]);
});

test("a live view has a line with what an agent says just now", () => {
  let tick = () => {};
  const every = (_: number, work: () => void) => {
    tick = work;
    return () => undefined;
  };
  const context = createFakeCliContext({ isTTY: true, every });
  const reporter = createRunReporter(context);
  const about = { taskId: "t-1", runId: "r-1", agentId: "lister-1", isRestart: false, missed: 0 };
  reporter.begin(startProgress(fakeRun()));
  reporter.speak?.({ ...about, turn: 1, text: `${"long ago ".repeat(20)}and` });
  reporter.speak?.({ ...about, turn: 1, text: " now\u001b[2J" });
  tick();
  const line = context.stderr
    .text()
    .split("\n")
    .findLast((one) => one.includes("lister-1"));
  expect(line).toContain("lister-1: ");
  expect(line).toContain("ago and now");
  expect(line).not.toContain("\u001b[2J");
  reporter.close();
});
