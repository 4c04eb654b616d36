import { MusterError } from "@muster/sdk/protocol";
import type { Principal } from "../core/orchestrator.ts";
import type { ApiContext } from "./api-context.ts";

const everybody: Principal = { tenant: "*", role: "admin", name: "api" };

/**
 * Agents that poll have no connection whose end would show. Those whose heartbeats stopped have expired; their
 * mailboxes are dropped, and the gateway is told that nobody listens for them any more.
 */
export async function forgetSilentAgents({ connections, orchestrator }: ApiContext): Promise<void> {
  const { agents, gateway } = orchestrator;
  const isAlive = async (agentId: string, session: string): Promise<boolean> => {
    if ((await gateway.authenticate(session))?.agentId !== agentId) return false;
    return agents.get(agentId, everybody).then(
      () => true,
      (error: unknown) => !(error instanceof MusterError && error.status === 404),
    );
  };
  for (const agentId of await connections.sweep(isAlive)) gateway.detach(agentId);
}
