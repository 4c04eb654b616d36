import type { Client } from "@muster/sdk";
import type { Run, RunStart } from "@muster/sdk/protocol";
import { type BudgetOptions, readBudget } from "../budget-options.ts";
import type { CliContext } from "../cli-context.ts";
import type { ConnectOptions } from "../connect/connect.ts";
import { watchInterrupts } from "../watch-interrupts.ts";
import { followRun } from "./follow-run.ts";
import { loadInputs, loadWorkflow } from "./load-workflow.ts";
import type { CrewOptions } from "./open-crew.ts";
import { openOrchestrator } from "./open-orchestrator.ts";
import { reportRun } from "./report-run.ts";
import { resolvePaths } from "./resolve-paths.ts";
import { createRunReporter } from "./run-reporter.ts";

export interface RunWorkflowOptions extends ConnectOptions, BudgetOptions, CrewOptions {
  input?: readonly string[];
  inputsFile?: string;
  json?: boolean;
}

/**
 * `muster run FILE`: checks the file and the inputs before anything is started, then runs the workflow on a
 * running server or on an orchestrator of its own, shows it, and says how it ended. Returns the exit code.
 */
export async function runWorkflow(
  context: CliContext,
  file: string,
  options: RunWorkflowOptions,
): Promise<number> {
  const { workflow, document } = await loadWorkflow(context, file);
  const given = { pairs: options.input ?? [], file: options.inputsFile };
  const inputs = await loadInputs(context, workflow, given, file);
  const budget = await readBudget(context, options);
  return carryOut(context, options, (client, local) => {
    const request: RunStart = {
      workflow: document,
      inputs: local ? resolvePaths(workflow, inputs, context.cwd) : inputs,
      ...(budget && { budget }),
    };
    return client.runs.start(request);
  });
}

/** Opens an orchestrator, lets `start` begin (or resume) a run on it, and follows the run to its end. */
export async function carryOut(
  context: CliContext,
  options: ConnectOptions & CrewOptions & { json?: boolean },
  start: (client: Client, local: boolean) => Promise<Run>,
  { resumed = false } = {},
): Promise<number> {
  const reporter = createRunReporter(context);
  const interrupts = watchInterrupts(context, () => reporter.close());
  try {
    const orchestrator = await openOrchestrator(context, options, reporter.say, interrupts.signal);
    try {
      if (interrupts.signal.aborted) {
        reporter.print("stopped before the run began");
        return interrupts.exitCode() ?? 1;
      }
      const { client } = orchestrator;
      const { latestEvent } = await client.info();
      const run = await start(client, orchestrator.local);
      const detail = await followRun({ context, client, reporter, interrupts, resumed }, run, latestEvent);
      const exitCode = reportRun(context, detail, options.json === true);
      return interrupts.exitCode() ?? exitCode;
    } finally {
      reporter.close();
      await orchestrator.close(reporter.say, interrupts.signal);
    }
  } finally {
    reporter.close();
    interrupts.stop();
  }
}
