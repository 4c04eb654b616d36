import type { AgentTransport } from "../src/agent/transport.ts";
import { type AgentSession, MusterError } from "../src/protocol/index.ts";
import type { FakeOrchestrator } from "./fake-orchestrator.ts";

/** Connects an agent to a fake orchestrator in memory. When its process "dies", it hears and says nothing more. */
export const createFakeTransport = (orchestrator: FakeOrchestrator): AgentTransport => {
  let session: AgentSession | undefined;
  let cut = false;
  const check = () => {
    if (session !== undefined && orchestrator.isDead(session.session)) cut = true;
    if (cut) throw new MusterError("unavailable", "The transport is closed.");
  };
  return {
    connect: async (registration, onMessage) => {
      check();
      session = orchestrator.register(registration, (message) => {
        if (!cut) onMessage(message);
      });
      return session;
    },
    request: async (operation, body) => {
      await Promise.resolve();
      check();
      const answer = orchestrator.request((session as AgentSession).agentId, operation, body);
      check();
      return answer as never;
    },
    close: async () => {
      cut = true;
    },
  };
};
