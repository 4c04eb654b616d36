import type { AgentDefinition, RunningAgent } from "@muster/sdk";
import type { CliContext } from "../cli-context.ts";
import { printable } from "../render/printable.ts";
import type { AgentsFile } from "./read-agents-file.ts";

export interface OpenPlanner {
  /** What to do to have one; undefined where there is one. */
  missing: string | undefined;
  /** To be called once the agents have stopped. */
  close(): Promise<void>;
}

/**
 * Whether there may be a model at all, so that nothing of models is loaded where there is none: keys of the providers that
 * are there by default stand in variables that end like this.
 */
export const mayThink = ({ env }: CliContext, configured: AgentsFile | undefined): boolean =>
  configured?.models !== undefined ||
  Object.entries(env).some(
    ([name, value]) =>
      name.endsWith("_API_KEY") && name !== "MUSTER_API_KEY" && value !== undefined && value !== "",
  );

/** Starts the agent that plans, where there is a model. A fault in it keeps nobody from working without plans. */
export async function openPlanner(
  context: CliContext,
  configured: AgentsFile | undefined,
  start: (definition: AgentDefinition) => Promise<RunningAgent>,
): Promise<OpenPlanner> {
  const none = (missing: string): OpenPlanner => ({ missing, close: async () => undefined });
  try {
    const { startPlanner } = await context.goals();
    const started = await startPlanner({ env: context.env, models: configured?.models, start });
    if (started.planner === undefined) return none(started.missing);
    return { missing: undefined, close: started.planner.close };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    context.stderr.write(`${printable(`the planner could not be started: ${why}`)}\n`);
    return none(why);
  }
}
