import type { Client } from "@muster/sdk";
import type { InboxItem, RunDetail, Task } from "@muster/sdk/protocol";
import type { Asker } from "../ask-yes.ts";
import { describeCancel } from "../render/describe-cancel.ts";
import { formatDuration } from "../render/format-duration.ts";
import { printable } from "../render/printable.ts";
import { codeOf } from "../report-error.ts";
import type { Interrupts } from "../watch-interrupts.ts";
import { type PlanView, planOf } from "./goal-plan.ts";
import type { GoalCommand } from "./run-goal.ts";

/** The one step of the run of a goal. */
export const goalStep = "goal";

/** How often is looked what there is new; less often where there is much to look at. */
const lookMs = 400;
const lookPerTaskMs = 20;
const rarestLookMs = 5_000;
/** How long a cancelled run may take to end. */
const cancelMs = 10_000;
const mostLogs = 100;

export interface GoalWatch extends GoalCommand {
  client: Client;
  view: PlanView;
  /** Somebody at this terminal; undefined where nobody is. */
  asker: Asker | undefined;
  interrupts: Interrupts;
}

export interface FollowedGoal {
  run: RunDetail;
  /** Somebody here said no to a plan. */
  isRefused: boolean;
}

/** What was told already. */
interface Told {
  asked: Set<string>;
  groups: Map<string, string>;
  isRefused: boolean;
  afterEvent: number;
}

/** Shows a goal until its run has ended: its plans, the questions that they raise, and the steps that are carried out. */
export async function followGoal(watch: GoalWatch, runId: string): Promise<FollowedGoal> {
  const { client, interrupts, context } = watch;
  const told: Told = { asked: new Set(), groups: new Map(), isRefused: false, afterEvent: 0 };
  for (;;) {
    const run = await client.runs.get(runId);
    const goal = run.tasks.find(({ step, parentId }) => step === goalStep && parentId === null);
    if (goal !== undefined) {
      await showLoggedPlans(watch, goal.id, told);
      showSteps(watch, run.tasks, goal.id, told);
    }
    if (run.status !== "running") return { run, isRefused: told.isRefused };
    if (interrupts.signal.aborted) return { run: await cancel(watch, runId), isRefused: told.isRefused };
    if (goal !== undefined) await answerQuestions(watch, runId, goal.id, told);
    await context.sleep(Math.min(rarestLookMs, lookMs + run.tasks.length * lookPerTaskMs), interrupts.signal);
  }
}

/** A plan that nobody is asked about is told in the log of the goal. */
async function showLoggedPlans({ client, view }: GoalWatch, taskId: string, told: Told): Promise<void> {
  const filter = { taskId, types: ["task.log" as const], after: told.afterEvent, limit: mostLogs };
  const { items } = await client.events.read(filter);
  for (const { seq, data } of items) {
    told.afterEvent = Math.max(told.afterEvent, seq);
    const logged = planOf(data.fields);
    if (logged !== undefined) await view.show(logged.plan);
  }
}

async function answerQuestions(watch: GoalWatch, runId: string, goalId: string, told: Told): Promise<void> {
  const { client, context, asker, interrupts, view } = watch;
  const items = await openQuestions(watch, runId, told);
  for (const item of items) {
    if (told.asked.has(item.taskId)) continue;
    told.asked.add(item.taskId);
    const planned = item.parentId === goalId ? planOf(item.input) : undefined;
    if (planned !== undefined) await view.show(planned.plan);
    if (asker === undefined || item.kind !== "approval") {
      context.stderr.write(`${questionOf(item)}\n  somebody has to answer: muster inbox list\n`);
      continue;
    }
    const isYes = await asker.ask(
      planned === undefined ? questionOf(item) : firstLineOf(item),
      interrupts.signal,
    );
    if (interrupts.signal.aborted) return;
    if (!isYes && planned !== undefined) told.isRefused = true;
    await client.inbox
      .answer(item.taskId, {
        answer: isYes ? { approved: true } : { approved: false, reason: "no, at the terminal" },
      })
      .catch((error: unknown) => {
        // Somebody else was quicker.
        if (codeOf(error) !== "conflict") throw error;
        context.stderr.write("somebody else has answered it\n");
      });
  }
}

/** What waits for people in this run; nothing, where the key of this command is not for the inbox. */
async function openQuestions(
  { client, context }: GoalWatch,
  runId: string,
  told: Told,
): Promise<InboxItem[]> {
  try {
    return (await client.inbox.list({ runId })).items;
  } catch (error) {
    if (codeOf(error) !== "forbidden") throw error;
    if (!told.asked.has(runId))
      context.stderr.write("this key may not answer; others do: muster inbox list\n");
    told.asked.add(runId);
    return [];
  }
}

const questionOf = ({ question }: InboxItem): string => printable(question ?? "A question waits.", "\n");
const firstLineOf = ({ question }: InboxItem): string => printable((question ?? "").split("\n", 1)[0] ?? "");

/** One line when a step begins and one when it ends; the sub-tasks of a step were handed out together. */
function showSteps({ context, view }: GoalWatch, tasks: readonly Task[], goalId: string, told: Told): void {
  const groups = new Map<string, Task[]>();
  for (const task of tasks) {
    if (task.parentId !== goalId || task.capability === null || task.name === null) continue;
    const key = `${task.name} ${task.createdAt}`;
    groups.set(key, [...(groups.get(key) ?? []), task]);
  }
  for (const [key, group] of groups) {
    view.hasRun = true;
    const before = told.groups.get(key);
    const state = group.every(({ finishedAt }) => finishedAt !== null) ? "ended" : "begun";
    if (before === state) continue;
    told.groups.set(key, state);
    if (before === undefined)
      context.stderr.write(`  ${context.stderr.colors.cyan("▸")} ${beginningOf(group)}\n`);
    if (state === "ended") context.stderr.write(`  ${endOf(context.stderr.colors, group)}\n`);
  }
}

const beginningOf = (group: readonly Task[]): string => {
  const { name, capability } = group[0]!;
  return printable(`${name} (${capability})${group.length > 1 ? `: ${group.length} tasks` : ""}`);
};

function endOf(colors: GoalWatch["context"]["stderr"]["colors"], group: readonly Task[]): string {
  const done = group.filter(({ status }) => status === "completed");
  const failed = group.find(({ status }) => status !== "completed");
  const times = group.flatMap(({ createdAt, finishedAt }) =>
    [createdAt, finishedAt ?? createdAt].map(Date.parse),
  );
  const took = formatDuration(Math.max(...times) - Math.min(...times));
  const count = group.length > 1 ? ` ${done.length} of ${group.length}` : "";
  const name = printable(group[0]!.name ?? "");
  if (failed === undefined) return `${colors.green("✔")} ${name}${count} in ${took}`;
  const why = printable(failed.error?.message ?? failed.status);
  return `${colors.red("✖")} ${name}${count} after ${took}: ${why}`;
}

async function cancel({ client, context }: GoalWatch, runId: string): Promise<RunDetail> {
  context.stderr.write("\ncancelling… (Ctrl-C again leaves at once)\n");
  try {
    const cancelled = await client.runs.cancel(runId);
    context.stderr.write(`cancelled run ${runId}: ${describeCancel(cancelled)}\n`);
  } catch (error) {
    if (codeOf(error) !== "not_cancellable") throw error;
  }
  return client.runs.wait(runId, { timeoutMs: cancelMs }).catch(() => client.runs.get(runId));
}
