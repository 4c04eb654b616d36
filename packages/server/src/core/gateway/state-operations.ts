import type { StateService } from "../orchestrator.ts";
import type { Handlers } from "./operations.ts";

type StateOperations = Pick<
  Handlers,
  "readState" | "writeState" | "listState" | "watchState" | "listStateVersions"
>;

/** What an agent can do with the state of the tenant whose task it works on, under the lease of that task. */
export function createStateOperations(state: StateService): StateOperations {
  return {
    readState: ({ agent }, { taskId, leaseToken, project, path, version }) =>
      state.under({ agentId: agent.id, taskId, leaseToken }, project).get(path, version),
    writeState: ({ agent }, { taskId, leaseToken, project, path, ...write }) =>
      state.under({ agentId: agent.id, taskId, leaseToken }, project).write(path, write),
    async listState({ agent }, { taskId, leaseToken, project, ...filter }) {
      const { items, next } = await state
        .under({ agentId: agent.id, taskId, leaseToken }, project)
        .list(filter);
      return { items, next };
    },
    watchState: ({ agent }, { taskId, leaseToken, project, waitMs = 0, ...filter }) =>
      state.under({ agentId: agent.id, taskId, leaseToken }, project).changes(filter, waitMs),
    listStateVersions: ({ agent }, { taskId, leaseToken, project, path, ...page }) =>
      state.under({ agentId: agent.id, taskId, leaseToken }, project).versions(path, page),
  };
}
