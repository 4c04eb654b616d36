import type { Muster } from "../../main.ts";
import type { CliContext } from "../cli-context.ts";
import type { ModelSettings } from "./read-agents-file.ts";

/** Agents with a model that join an orchestrator of one goal. */
export interface Crew {
  /** What is missing for a planner; undefined where there is one. */
  missing: string | undefined;
  close(): Promise<void>;
}

/** The planner and, where there is one, the agents of `.claude` here, as `muster up` starts them. */
export async function startCrew(
  context: CliContext,
  muster: Muster,
  models: ModelSettings | undefined,
  say: (sentence: string) => void,
): Promise<Crew> {
  const start: Muster["agent"] = (definition) => muster.agent(definition);
  const { startPlanner } = await context.goals();
  const started = await startPlanner({ env: context.env, models, start });
  if (started.planner === undefined) return { missing: started.missing, close: async () => undefined };
  const { startClaudeAgents } = await context.claudeAgents();
  const claude = await startClaudeAgents({
    folder: context.cwd,
    env: context.env,
    models,
    start,
    putAside: (agentId) => muster.client.agents.setStatus(agentId, "maintenance"),
    say,
  }).catch((error: unknown) => {
    say(
      `the agents of .claude could not be started: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  });
  return {
    missing: undefined,
    async close() {
      await claude?.close();
      await started.planner?.close();
    },
  };
}
