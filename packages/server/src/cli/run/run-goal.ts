import type { Client } from "@muster/sdk";
import type { Agent, Run, RunDetail } from "@muster/sdk/protocol";
import { createAsker } from "../ask-yes.ts";
import { type BudgetOptions, readBudget } from "../budget-options.ts";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../cli-error.ts";
import type { ConnectOptions } from "../connect/connect.ts";
import { printJson } from "../print-json.ts";
import { printable } from "../render/printable.ts";
import { sayOnce } from "../say-once.ts";
import { type Interrupts, watchInterrupts } from "../watch-interrupts.ts";
import { followGoal, goalStep } from "./follow-goal.ts";
import { readGoalInputs } from "./goal-inputs.ts";
import { createPlanView, type PlanView, planOf, refuseTaken } from "./goal-plan.ts";
import { offerNearest } from "./offer-nearest.ts";
import type { CrewOptions } from "./open-crew.ts";
import { type OpenOptions, type OpenOrchestrator, openOrchestrator } from "./open-orchestrator.ts";

/** `yes` is a yes to the plan, and to nothing else. */
export interface RunGoalOptions extends ConnectOptions, BudgetOptions, CrewOptions {
  input?: readonly string[];
  inputsFile?: string;
  json?: boolean;
  save?: string;
}

/** Everything that one goal is pursued with. */
export interface GoalCommand {
  context: CliContext;
  goal: string;
  inputs: Record<string, unknown>;
  options: RunGoalOptions;
  say: (sentence: string) => void;
}

const nameLength = 100;
/** Longest time for a goal, waiting for people included. */
const goalTimeout = "7d";

/**
 * Whether the word on the command line is a goal: words with spaces between them that are not the name of a file. A name
 * that ends like a workflow's stays one, so that a missing file is told as such.
 */
export function isGoal(word: string, isFile: (path: string) => boolean): boolean {
  const text = word.trim();
  return /\S\s+\S/.test(text) && !/\.(ya?ml|json)$/i.test(text) && !isFile(word);
}

/**
 * `muster run "GOAL"`: lets the planner make a workflow of the goal, shows it, asks, and follows it. Without a planner it
 * offers what is nearest, and starts nothing. Returns the exit code.
 */
export async function runGoal(context: CliContext, words: string, options: RunGoalOptions): Promise<number> {
  refuseTaken(context, options.save);
  const inputs = await readGoalInputs(context, options);
  const budget = await readBudget(context, options);
  const tell = sayOnce((sentence) =>
    context.stderr.write(`${context.stderr.colors.dim(printable(sentence))}\n`),
  );
  const command: GoalCommand = { context, goal: words.trim(), inputs, options, say: tell };
  const interrupts = watchInterrupts(context);
  try {
    const orchestrator = await openOrchestrator(context, placeOf(options), tell, interrupts.signal);
    try {
      if (interrupts.signal.aborted) return interrupts.exitCode() ?? exitCodes.failed;
      const agents = await orchestrator.client.agents.list();
      if (!hasPlanner(agents))
        return await offerNearest(command, agents, {
          why: whyNoPlanner(orchestrator),
          isEmbedded: orchestrator.embedded,
        });
      const start = () => startGoal(command, orchestrator, budget);
      return await pursue(command, orchestrator.client, start, interrupts);
    } finally {
      await orchestrator.close(tell, interrupts.signal);
    }
  } finally {
    interrupts.stop();
  }
}

const hasPlanner = (agents: readonly Agent[]): boolean =>
  agents.some(
    ({ capabilities, status }) =>
      (status === "available" || status === "busy") && capabilities.some(({ name }) => name === "goal"),
  );

/** A yes to a plan starts no agents that merely lie in this folder. */
const placeOf = ({ yes: _ofThePlan, ...options }: RunGoalOptions): OpenOptions => ({
  ...options,
  planner: true,
});

function whyNoPlanner({ embedded, plannerMissing: missing }: OpenOrchestrator): string {
  if (!embedded)
    return "the server has no planner, since it has no model: start it with a key or with models";
  return `there is no model to plan with${missing === undefined ? "" : `: ${missing}`}`;
}

/** A goal is a run of one step, so that budgets, cancelling and `muster run show` are those of any run. */
function startGoal(
  { context, goal, inputs, options }: GoalCommand,
  { client, local }: OpenOrchestrator,
  budget: Awaited<ReturnType<typeof readBudget>>,
): Promise<Run> {
  const given = local && !Object.hasOwn(inputs, "folder") ? { folder: context.cwd, ...inputs } : inputs;
  const approve = options.yes ? "yes" : context.isInteractive ? "ask" : "show";
  return client.runs.start({
    workflow: {
      name: printable(goal).slice(0, nameLength) || "goal",
      // The goal's own words must not be read as expressions.
      inputs: { request: { type: "object" } },
      steps: { [goalStep]: { capability: "goal", timeout: goalTimeout, with: "${{ inputs.request }}" } },
      output: `\${{ steps.${goalStep}.output }}`,
    },
    inputs: { request: { goal, inputs: given, approve } },
    ...(budget && { budget }),
  });
}

async function pursue(
  command: GoalCommand,
  client: Client,
  start: () => Promise<Run>,
  interrupts: Interrupts,
): Promise<number> {
  const { context } = command;
  const view = createPlanView(context, command.options.save);
  const asker = context.isInteractive ? createAsker(context) : undefined;
  try {
    command.say("planning…");
    const { id } = await start();
    const watch = { ...command, client, view, asker, interrupts };
    const { run, isRefused } = await followGoal(watch, id);
    const exitCode = await report(command, run, { isRefused, view });
    return interrupts.exitCode() ?? exitCode;
  } finally {
    await asker?.close();
  }
}

/** Of a goal that failed, the planner has said everything: the reasons of all of its plans. */
function reportFailure({ stderr }: CliContext, run: RunDetail): void {
  const goal = run.tasks.find(({ step }) => step === goalStep);
  const why = goal?.error?.message ?? run.error?.message ?? "no reason given";
  stderr.write(`${stderr.colors.red("✖")} ${printable(run.workflow)} failed\n  ${printable(why)}\n`);
  stderr.write(`  to see what was done: muster run show ${run.id}\n`);
}

async function report(
  { context, options }: GoalCommand,
  run: RunDetail,
  { isRefused, view }: { isRefused: boolean; view: PlanView },
): Promise<number> {
  const planned = planOf(run.output);
  const isPlanned = run.status === "completed" && planned?.status === "planned";
  if (planned !== undefined) await view.show(planned.plan);
  const isNothing = isRefused && !view.hasRun;
  const status = isPlanned ? "planned" : isNothing ? "refused" : run.status;
  if (options.json) {
    const { output, error, id } = run;
    const result = (output ?? { plan: view.last ?? null }) as Record<string, unknown>;
    printJson(context, { runId: id, ...result, status, error });
  } else if (isPlanned) {
    context.stderr.write("nothing was run: --yes runs a plan at once, a terminal asks\n");
  } else if (isNothing) {
    context.stderr.write("nothing was run\n");
  } else if (run.status === "failed") {
    reportFailure(context, run);
  } else {
    const { reportRun } = await import("./report-run.ts");
    const shown = run.output as { output?: unknown } | null;
    return reportRun(context, { ...run, output: shown?.output ?? null }, false);
  }
  if (isPlanned || isNothing) return exitCodes.misused;
  return run.status === "completed" ? exitCodes.ok : exitCodes.failed;
}
