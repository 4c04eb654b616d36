import type { AgentTransport } from "@muster/sdk";
import { type AgentSession, type Message, MusterError } from "@muster/sdk/protocol";
import type { Orchestrator, Principal } from "../orchestrator.ts";

/**
 * Connects an agent that lives in the orchestrator's own process. It goes through the same door as every
 * other agent; only the wire is missing.
 */
export function createInProcessTransport(
  { gateway, artifacts }: Pick<Orchestrator, "gateway" | "artifacts">,
  principal: Principal,
): AgentTransport {
  let session: AgentSession | undefined;
  return {
    async connect(registration, onMessage: (message: Message) => void) {
      session = await gateway.register(registration, principal, onMessage);
      return session;
    },
    request(operation, body) {
      if (session === undefined) {
        return Promise.reject(new MusterError("unavailable", "The agent is not connected."));
      }
      return gateway.request(session.agentId, operation, body);
    },
    artifacts(lease) {
      if (session === undefined) throw new MusterError("unavailable", "The agent is not connected.");
      return artifacts.under({ ...lease, agentId: session.agentId });
    },
    async close() {
      if (session !== undefined) gateway.detach(session.agentId);
      session = undefined;
    },
  };
}
