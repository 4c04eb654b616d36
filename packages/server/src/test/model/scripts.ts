import type { JoinPolicy } from "@muster/sdk/protocol";
import fc from "fast-check";
import type { Outcome, TaskPlan } from "./queue-model.ts";

export type Command =
  | { kind: "submit"; afterMs: number; tasks: TaskPlan[]; backwards: boolean }
  | { kind: "cancel" | "retry"; afterMs: number; task: number };

/**
 * Everything lasts whole seconds; commands, timeouts and deadlines come at odd moments of their own. So no two
 * things whose order matters ever happen in the same millisecond, and there is one right answer.
 */
const second = 1_000;
/** Commands of a script at most: the k-th comes 50·k ms after a whole second. */
const mostCommands = 9;
const commandOffsetMs = 50;
const timeoutOffsetMs = 500;
/** Tasks of a script at most: each has its own deadline offset, less than a command's. */
const mostTasks = 45;

const seconds = (min: number, max: number) => fc.integer({ min, max }).map((n) => n * second);
const outcome = fc.constantFrom<Outcome>("ok", "ok", "ok", "twice", "fail", "fail", "fatal", "silent");

const task = fc.record({
  needs: fc.array(fc.nat(1_000), { maxLength: 4 }),
  join: fc.constantFrom<JoinPolicy>("all", "all", "settled", "any"),
  outcomes: fc.array(outcome, { maxLength: 4 }),
  durationMs: seconds(1, 4),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  retryDelayMs: seconds(1, 3),
  timeoutMs: fc.oneof(
    { weight: 4, arbitrary: fc.constant(60 * second + timeoutOffsetMs) },
    { weight: 1, arbitrary: seconds(1, 4).map((ms) => ms + timeoutOffsetMs) },
  ),
  delayMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: seconds(1, 6) }),
  deadlineMs: fc.option(seconds(1, 20), { freq: 5 }),
});

const afterMs = seconds(0, 5);
const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      afterMs,
      tasks: fc.array(task, { minLength: 1, maxLength: 6 }),
      backwards: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("cancel" as const, "retry" as const),
      afterMs,
      task: fc.nat(1_000),
    }),
  },
);

/** Scripts of submissions, cancels and retries by hand. Places of tasks are brought into range here. */
export const scripts = fc
  .array(command, { minLength: 1, maxLength: mostCommands })
  .map((commands): Command[] => {
    const script: Command[] = [];
    let tasks = 0;
    for (const command of commands) {
      const afterMs = command.afterMs + second;
      if (command.kind !== "submit") {
        if (tasks > 0) script.push({ ...command, afterMs, task: command.task % tasks });
        continue;
      }
      const room = command.tasks.slice(0, mostTasks - tasks);
      const placed = room.map((plan, index) => placeTask(plan, tasks + index));
      if (placed.length > 0) script.push({ ...command, afterMs, tasks: placed });
      tasks += placed.length;
    }
    return script;
  });

/** The offset of the k-th command after a whole second. */
export const offsetOf = (k: number): number => (k + 1) * commandOffsetMs;

function placeTask(plan: TaskPlan, place: number): TaskPlan {
  const needs = place === 0 ? [] : [...new Set(plan.needs.map((need) => need % place))];
  const deadlineMs = plan.deadlineMs === null ? null : plan.deadlineMs + 1 + place;
  return { ...plan, needs, deadlineMs };
}
