import type { OrchestratorPorts } from "../core/create-orchestrator.ts";
import { createStateSnapshots } from "../core/state-snapshots/state-snapshots.ts";
import { someone } from "./orchestrate.ts";
import { useOrchestrator } from "./use-orchestrator.ts";

/** Gives each test of a file an orchestrator, and what tests of snapshots do with it. */
export function useSnapshots() {
  const at = useOrchestrator();
  const state = (project = "demo", who = someone) => at.muster.orchestrator.state.of(who, project);
  return {
    at,
    state,
    snapshots: (project = "demo", who = someone) => at.muster.orchestrator.stateSnapshots.of(who, project),
    put: (path: string, body: unknown, project = "demo") => state(project).write(path, { kind: "put", body }),
    /** All documents of a project. */
    async contents(project = "demo"): Promise<Record<string, unknown>> {
      const { items } = await state(project).list();
      const pairs = items.map(async ({ path }) => [path, (await state(project).get(path)).content]);
      return Object.fromEntries(await Promise.all(pairs));
    },
    /** The service on another store, database or clock, beside the one of the orchestrator. */
    serviceOn(replaced: Partial<OrchestratorPorts>, stateService = at.muster.orchestrator.state) {
      const { ports } = at.muster;
      const deps = { ...ports, ...replaced, state: stateService, announce: () => {} };
      return createStateSnapshots(deps).of(someone, "demo");
    },
  };
}
