import type { TaskSubmission } from "@muster/sdk/protocol";
import { evaluate, type Scope, type WorkflowStep } from "@muster/workflow";
import type { Ids } from "../../ports/ids.ts";
import { type Origin, type Plan, planTasks } from "../intake/plan-tasks.ts";

/** Inputs that are shown to whoever approves, and the characters that they may take in all. */
const mostShown = 10;
const mostCharacters = 65_536;

/** Puts the question of a step in front of its tasks: they run once a person said yes, and never if not. */
export function putGate(
  plan: Plan,
  step: WorkflowStep,
  { scope, origin, now, ids }: { scope: Scope; origin: Origin; now: number; ids: Ids },
  submissions: readonly TaskSubmission[],
): void {
  const { step: _ofNone, ...aside } = origin;
  const gate = planTasks([questionOf(step, scope, submissions)], aside, now, ids);
  const [question] = gate.tasks;
  const [item] = gate.items;
  if (question === undefined || item === undefined) throw new Error(`Step ${step.name} has no question.`);
  for (const task of plan.tasks) {
    task.pending += 1;
    task.status = "blocked";
    task.ready_at = null;
  }
  plan.inner = plan.tasks.map((task) => ({ task_id: task.id, depends_on: question.id }));
  plan.tasks.unshift(question);
  plan.items.push({ ...item, gate: true });
}

function questionOf(
  step: WorkflowStep,
  scope: Scope,
  submissions: readonly TaskSubmission[],
): TaskSubmission {
  const { question, to, remindMs, expireMs } = step.approve ?? {};
  const count = submissions.length;
  const tasks = count === 1 ? "one task" : `${count} tasks`;
  const whose = step.capability ?? `agent ${step.agent}`;
  const plain = `May step ${step.name} of ${scope.run.workflow} run (${tasks} for ${whose})?`;
  const text = question === undefined ? plain : String(evaluate(question, scope));
  return {
    name: `approve ${step.name}`.slice(0, 128),
    ask: {
      text,
      approval: true,
      ...(to === undefined ? {} : { to }),
      ...(remindMs === undefined ? {} : { remindMs }),
      ...(expireMs === undefined ? {} : { expireMs }),
    },
    input: { workflow: scope.run.workflow, step: step.name, tasks: count, inputs: shownOf(submissions) },
    ...(step.priority === undefined ? {} : { priority: step.priority }),
  };
}

/** What the tasks would get, as far as a person can look at it. */
function shownOf(submissions: readonly TaskSubmission[]): unknown {
  const inputs = submissions.slice(0, mostShown).map(({ input }) => input ?? {});
  const isSmall = JSON.stringify(inputs).length <= mostCharacters;
  return isSmall ? inputs : "They are too large to be shown here.";
}
