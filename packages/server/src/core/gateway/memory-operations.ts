import type { MemoryService } from "../orchestrator.ts";
import type { Caller, Handlers } from "./operations.ts";

type MemoryOperations = Pick<Handlers, "remember" | "recall" | "forget" | "listMemories">;

/** What an agent can do with memories of the tenant whose task it works on, under the lease of that task. */
export function createMemoryOperations(memories: MemoryService): MemoryOperations {
  const under = ({ agent }: Caller, lease: { taskId: string; leaseToken: string }) =>
    memories.under({ agentId: agent.id, ...lease }, agent.name);
  return {
    remember: (caller, { taskId, leaseToken, ...request }) =>
      under(caller, { taskId, leaseToken }).remember(request),
    recall: (caller, { taskId, leaseToken, ...request }) =>
      under(caller, { taskId, leaseToken }).recall(request),
    forget: (caller, { taskId, leaseToken, id }) => under(caller, { taskId, leaseToken }).forget(id),
    listMemories: (caller, { taskId, leaseToken, ...filter }) =>
      under(caller, { taskId, leaseToken }).list(filter),
  };
}
