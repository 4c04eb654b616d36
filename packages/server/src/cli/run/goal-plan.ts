import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { printable } from "../render/printable.ts";

/** What the command line uses of a plan. */
export interface ShownPlan {
  number: number;
  text: string;
  workflow: unknown;
}

export interface PlanView {
  /** Prints a plan, once each, and writes it to the file that was asked for. */
  show(plan: ShownPlan): Promise<void>;
  /** The newest plan. */
  readonly last: ShownPlan | undefined;
  /** Something of a plan was begun. */
  hasRun: boolean;
}

/** A plan among what a goal's output, question or log holds. */
export function planOf(value: unknown): { status?: unknown; plan: ShownPlan } | undefined {
  const { plan, status } = asObject(value);
  const { text, workflow, number } = asObject(plan);
  if (typeof text !== "string" || typeof number !== "number") return undefined;
  return { status, plan: { number, text, workflow } };
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

export function createPlanView(context: CliContext, save: string | undefined): PlanView {
  let last: ShownPlan | undefined;
  return {
    hasRun: false,
    get last() {
      return last;
    },
    async show(plan) {
      if (last !== undefined && plan.number <= last.number) return;
      last = plan;
      context.stderr.write(`${printable(plan.text, "\n")}\n`);
      if (save === undefined) return;
      const { writeWorkflow } = await context.workflowLanguage();
      try {
        writeFileSync(resolve(context.cwd, save), writeWorkflow(plan.workflow));
      } catch (cause) {
        throw new CliError(`cannot write ${save}: ${(cause as Error).message}`, {
          exitCode: exitCodes.failed,
          cause,
        });
      }
      context.stderr.write(`written to ${printable(save)}\n`);
    },
  };
}

/** Before anything begins: a file that is there is not written over. */
export function refuseTaken(context: CliContext, save: string | undefined): void {
  if (save === undefined || !existsSync(resolve(context.cwd, save))) return;
  throw new CliError(`${save} is there already`, { hint: "Name another file with --save." });
}
