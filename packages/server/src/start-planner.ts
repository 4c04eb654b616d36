import { createModelRouter, createPlanner, defaultProviders, type ModelSettings } from "@muster/runtime";
import type { AgentDefinition, RunningAgent } from "@muster/sdk";

export interface PlannerStart {
  /** What keys of providers are taken from. */
  env: Readonly<Record<string, string | undefined>>;
  /** Which models there are; by default the three providers, as far as their keys are there. */
  models?: ModelSettings | undefined;
  /** Joins an orchestrator. */
  start: (definition: AgentDefinition) => Promise<RunningAgent>;
}

/** The planner, or what is missing for it. */
export type StartedPlanner =
  | { planner: { close(): Promise<void> } }
  | { planner: undefined; missing: string };

/** What the planner asks the router for. */
const alias = "smart";

/** Registers the agent that offers `goal`. Without a model there is none: who has a goal is told so, and nothing waits. */
export async function startPlanner({ env, models, start }: PlannerStart): Promise<StartedPlanner> {
  const router = await createModelRouter({
    settings: models ?? { providers: defaultProviders },
    environment: env,
  });
  try {
    const { providers, aliases } = await router.diagnose();
    const leadsTo = aliases.find(({ name }) => name === alias)?.leadsTo ?? [];
    if (leadsTo.length === 0) {
      await router.close();
      const keys = [
        ...new Set(
          providers.flatMap(({ state, keyVariable }) => (state === "no_key" ? (keyVariable ?? []) : [])),
        ),
      ];
      const missing =
        keys.length > 0
          ? `set ${keys.join(" or ")}`
          : `let the alias "${alias}" lead to a model in the section models`;
      return { planner: undefined, missing };
    }
    await start(createPlanner({ model: router, modelName: alias }));
    return { planner: { close: () => router.close() } };
  } catch (error) {
    await router.close();
    throw error;
  }
}
