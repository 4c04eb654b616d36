import { randomUUID } from "node:crypto";
import { type Agent, type AgentRegistration, type AgentSession, MusterError } from "@muster/sdk/protocol";
import type { AgentGateway, AgentLine, AgentService } from "../core/orchestrator.ts";
import type { FakeOrchestrator } from "./fake-orchestrator.ts";

interface Registered {
  agent: Agent;
  session: string;
  line: AgentLine | null;
}

/** Agents in memory. Operations are recorded and answered with what fits. */
export function createFakeAgents() {
  const byId = new Map<string, Registered>();
  const operations: FakeOrchestrator["operations"] = [];
  const detached: string[] = [];
  let held: Promise<void> = Promise.resolve();

  function find(id: string): Registered {
    const found = byId.get(id);
    if (found === undefined) throw new MusterError("agent_unknown", `There is no agent ${id}.`);
    return found;
  }

  const service: AgentService = {
    list: async (filter) =>
      [...byId.values()]
        .map(({ agent }) => agent)
        .filter(({ capabilities }) =>
          filter.capability === undefined
            ? true
            : capabilities.some(({ name }) => name === filter.capability),
        ),
    get: async (id) => find(id).agent,
    setStatus: async (id, status) => Object.assign(find(id).agent, { status }),
  };

  const gateway: AgentGateway = {
    async register(registration, _principal, line): Promise<AgentSession> {
      const agent = newAgent(registration);
      const session = randomUUID();
      byId.set(agent.id, { agent, session, line });
      return { agentId: agent.id, session, heartbeatMs: 5_000, leaseMs: 30_000 };
    },
    async authenticate(session) {
      const found = [...byId.values()].find((registered) => registered.session === session);
      return found === undefined ? undefined : { agentId: found.agent.id };
    },
    async attach(agentId, _session, line) {
      find(agentId).line = line;
    },
    isHome: async (agentId) => byId.has(agentId),
    async request(agentId, operation, body) {
      find(agentId);
      await held;
      operations.push({ agentId, operation, body });
      if (operation === "leave") byId.delete(agentId);
      return answers[operation] as never;
    },
    detach: (agentId) => void detached.push(agentId),
    async handOver() {
      for (const { line } of byId.values()) line?.end?.("closing");
    },
  };

  let sent = 0;
  return {
    service,
    gateway,
    operations,
    detached,
    hold: (until: Promise<void>) => {
      held = until;
    },
    expire: (agentId: string) => void byId.delete(agentId),
    deliver(agentId: string, payload: unknown) {
      const number = String(++sent);
      find(agentId).line?.({
        id: number,
        type: "event",
        from: "orchestrator",
        to: agentId,
        correlationId: number,
        payload,
        sentAt: new Date().toISOString(),
      });
    },
  };
}

const answers = {
  heartbeat: { lost: [] },
  settle: { accepted: true },
  journal: { recorded: true },
  usage: { granted: true, reached: null, left: { moneyMicros: null, tokens: null } },
  delegate: { taskIds: [] },
  wait: { parked: false, settled: [] },
  lock: { grant: null, position: null },
  renewLock: { name: "", token: "", fence: 1, expiresAt: "" },
  unlock: { released: true },
  progress: {},
  log: {},
  send: { messageId: "1" },
  broadcast: { messageId: "1" },
  query: { payload: null },
  reply: { messageId: "1" },
  readState: {},
  writeState: {},
  listState: { items: [], next: null },
  watchState: { items: [], position: 0 },
  listStateVersions: { items: [], next: null },
  remember: {},
  recall: { items: [], vector: "none", model: null, note: null },
  forget: { forgotten: 0 },
  listMemories: { items: [], next: null },
  findAgents: { agents: [] },
  stream: { watched: false },
  leave: {},
};

const newAgent = (registration: AgentRegistration): Agent => ({
  id: registration.id ?? randomUUID(),
  name: registration.name,
  type: registration.type ?? "custom",
  description: registration.description ?? "",
  capabilities: registration.capabilities,
  status: "available",
  load: 0,
  maxConcurrency: registration.maxConcurrency ?? 1,
  healthScore: 1,
  lastSeen: new Date().toISOString(),
  metadata: registration.metadata ?? {},
});
