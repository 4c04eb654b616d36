import type { Budget, BudgetLimits, BudgetResume, OnReached } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "./cli-context.ts";
import { CliError } from "./cli-error.ts";

export interface BudgetOptions {
  budget?: string;
  onBudget?: OnReached;
}

export interface AddOptions {
  add?: string;
}

/** The options that say what may be spent. */
export const withBudget = (command: Command): Command =>
  command
    .option(
      "--budget <limits>",
      "what it may spend in all, such as money=2.50,tokens=100k,time=10m,tasks=500",
    )
    .addOption(
      new Option("--on-budget <what>", "what happens when that is reached (default: fail)").choices([
        "fail",
        "pause",
        "skip-rest",
      ]),
    );

export const withAdd = (command: Command): Command =>
  command.option("--add <limits>", "what the limits get in addition, such as money=1,time=5m");

/** The budget that the options name; undefined where they name none. */
export async function readBudget(context: CliContext, options: BudgetOptions): Promise<Budget | undefined> {
  const { budget, onBudget } = options;
  if (budget === undefined && onBudget === undefined) return undefined;
  const limits = budget === undefined ? {} : await readLimits(context, "--budget", budget);
  return { ...limits, ...(onBudget !== undefined && { onReached: onBudget }) };
}

export async function readAdded(context: CliContext, { add }: AddOptions): Promise<BudgetResume> {
  return add === undefined ? {} : { add: await readLimits(context, "--add", add) };
}

async function readLimits(context: CliContext, flag: string, text: string): Promise<BudgetLimits> {
  const { parseBudget } = await context.workflowLanguage();
  const read = parseBudget(text);
  if ("budget" in read) return read.budget;
  throw new CliError(`${flag}: ${read.mistake}`, { hint: read.hint ?? "see docs/budgets.md" });
}
