import type { Mailbox } from "./mailbox.ts";

/** The one way by which messages reach an agent at the moment: a WebSocket, or a mailbox that it polls. */
export interface AgentConnection {
  /** Present where the agent polls. */
  readonly mailbox?: Mailbox;
  readonly session: string;
  readonly heartbeatMs?: number;
  /** Another connection took over. */
  replaced(): void;
}

/** Which connection each agent of this process has. The newest one counts. */
export interface AgentConnections {
  /** Makes this the agent's connection; the one before, if another, is told that it was replaced. */
  take(agentId: string, connection: AgentConnection): void;
  get(agentId: string): AgentConnection | undefined;
  /** Forgets the connection if it still is the agent's. False where another one took over. */
  release(agentId: string, connection: AgentConnection): boolean;
  /** Forgets agents with a mailbox that are no more: they went away in silence. Answers whom. */
  sweep(isAlive: (agentId: string, session: string) => Promise<boolean>): Promise<string[]>;
}

export function createAgentConnections(): AgentConnections {
  const byAgent = new Map<string, AgentConnection>();
  return {
    take(agentId, connection) {
      const before = byAgent.get(agentId);
      byAgent.set(agentId, connection);
      if (before !== undefined && before !== connection) before.replaced();
    },
    get: (agentId) => byAgent.get(agentId),
    release(agentId, connection) {
      if (byAgent.get(agentId) !== connection) return false;
      return byAgent.delete(agentId);
    },
    async sweep(isAlive) {
      const gone: string[] = [];
      for (const [agentId, connection] of [...byAgent]) {
        if (connection.mailbox === undefined || (await isAlive(agentId, connection.session))) continue;
        if (byAgent.get(agentId) !== connection) continue;
        byAgent.delete(agentId);
        connection.mailbox.close();
        gone.push(agentId);
      }
      return gone;
    },
  };
}
