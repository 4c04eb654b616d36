import type { BudgetState, RunDetail, Task } from "@muster/sdk/protocol";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../cli-error.ts";
import { printJson } from "../print-json.ts";
import { describeBudget } from "../render/describe-budget.ts";
import { cutText } from "../render/fit-line.ts";
import { formatDuration } from "../render/format-duration.ts";
import { printable } from "../render/printable.ts";

/** How many failed tasks are named, and how much of an output is shown; `--json` has everything. */
const shownFailures = 10;
const shownOutput = 2_000;

/** Says how a run ended: in words, or with `json` as the run itself. Returns the exit code. */
export function reportRun(context: CliContext, run: RunDetail, json: boolean): number {
  reportEnd(context, run);
  if (json) printJson(context, finishedRun(run));
  else reportOutput(context, run.output);
  return run.status === "completed" ? exitCodes.ok : exitCodes.failed;
}

/** The run as `--json` prints it: what scripts look for comes first. */
export function finishedRun(run: RunDetail): Record<string, unknown> {
  const { id, status, output, tasks, ...rest } = run;
  return { id, status, output, tasks: tasks.map(finishedTask), ...rest };
}

function finishedTask(task: Task): Record<string, unknown> {
  const { id, capability, agent, status, attempts, startedAt, finishedAt, ...rest } = task;
  return { id, capability, agent, status, attempts, startedAt, finishedAt, ...rest };
}

function reportEnd(context: CliContext, run: RunDetail): void {
  const { stderr } = context;
  const { colors } = stderr;
  const took = formatDuration(
    (run.finishedAt ? Date.parse(run.finishedAt) : context.now()) - Date.parse(run.createdAt),
  );
  const tasks = `${run.tasks.length} ${run.tasks.length === 1 ? "task" : "tasks"}`;
  const mark =
    { completed: colors.green("✔"), failed: colors.red("✖") }[run.status as string] ?? colors.yellow("◼");
  stderr.write(`${mark} ${printable(run.workflow)} ${run.status} after ${took}: ${tasks}\n`);
  if (run.error !== null && run.status === "failed")
    stderr.write(`  ${colors.red(printable(run.error.message))}\n`);
  const failed = rootFailures(run.tasks);
  for (const task of failed.slice(0, shownFailures)) {
    stderr.write(`  ${colors.red("✖")} ${describeFailure(task)}\n    muster why ${task.id}\n`);
  }
  if (failed.length > shownFailures) {
    stderr.write(
      `  and ${failed.length - shownFailures} more: muster task list --run ${run.id} --status failed\n`,
    );
  }
  if (run.status === "paused" && run.budget !== null)
    stderr.write(
      `  ${printable(describeBudget(run.budget))}\n  to go on with more: muster run resume ${run.id} --add ${raiseOf(run.budget)}\n`,
    );
  if (run.status === "failed" || run.status === "cancelled") {
    stderr.write(`  to go on from where it stopped: muster run retry ${run.id}\n`);
  }
}

/** What could be added to the limit that was reached, as an example. */
const raiseOf = ({ reached }: BudgetState): string =>
  ({ money: "money=1", tokens: "tokens=100k", time: "time=10m", tasks: "tasks=100" })[
    reached?.kind ?? "money"
  ];

/** Failed tasks, those that only failed because of another one left out. */
function rootFailures(tasks: readonly Task[]): Task[] {
  const failed = tasks.filter((task) => task.status === "failed");
  const roots = failed.filter((task) => task.error?.taskId === undefined);
  return roots.length > 0 ? roots : failed;
}

function describeFailure(task: Task): string {
  const place = task.index === null ? "" : `[${task.index}]`;
  const name = task.step === null ? (task.name ?? task.capability ?? task.id) : `${task.step}${place}`;
  const agent = task.agent === null ? "" : ` by ${task.agent}`;
  const attempts = task.attempts > 1 ? ` after ${task.attempts} attempts` : "";
  return printable(`${name}${agent} failed${attempts}: ${task.error?.message ?? "no reason given"}`);
}

/** The path of a report where the output names one, else the output as short JSON. */
function reportOutput(context: CliContext, output: unknown): void {
  if (output === null || output === undefined) return;
  const { report, path } = typeof output === "object" ? (output as { report?: unknown; path?: unknown }) : {};
  const file = typeof report === "string" ? report : path;
  if (typeof file === "string") {
    context.stdout.write(`report: ${printable(file)}\n`);
    return;
  }
  const text = JSON.stringify(output);
  context.stdout.write(`${cutText(text, shownOutput)}\n`);
  if (text.length > shownOutput) context.stderr.write("  the output is cut; --json prints all of it\n");
}
