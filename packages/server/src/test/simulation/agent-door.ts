import type { AgentTransport } from "@muster/sdk";
import {
  type AgentOperation,
  type AgentRegistration,
  type AgentRequest,
  type AgentResponse,
  type AgentSession,
  type Message,
  MusterError,
} from "@muster/sdk/protocol";
import { root } from "../orchestrate.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { callOrchestrator } from "./wire.ts";
import type { World } from "./world.ts";

/** What an agent needs to speak to the orchestrator: the transport of the SDK, over the faulty network. */
export function createAgentDoor(world: World, process: SimulatedProcess, tenant: string): AgentTransport {
  const principal = { ...root, role: "agent" as const, tenant };
  let session: AgentSession | undefined;

  async function connect(registration: AgentRegistration, onMessage: (message: Message) => void) {
    const receive = (message: Message): void => {
      const delayMs = world.chance.int(0, world.faults.wireDelayMs);
      world.clock.setTimer(delayMs, () => process.reach(() => onMessage(message)));
    };
    session = await callOrchestrator(world, process, ({ gateway }) =>
      gateway.register(registration, principal, receive),
    );
    return session;
  }

  function request<O extends AgentOperation>(operation: O, body: AgentRequest<O>): Promise<AgentResponse<O>> {
    if (session === undefined) return Promise.reject(new MusterError("unavailable", "Not connected."));
    const { agentId } = session;
    return callOrchestrator(world, process, async ({ gateway }) => {
      const answer = await gateway.request(agentId, operation, body);
      if (operation === "settle") noteAccepted(world, body as AgentRequest<"settle">);
      return answer;
    });
  }

  return {
    connect,
    request,
    async close() {
      if (session !== undefined) loseConnection(world, session.agentId);
      session = undefined;
    },
  };
}

/** The orchestrator sees that the connection of an agent is gone. */
export function loseConnection(world: World, agentId: string): void {
  world.orchestrator?.process.reach(() => world.orchestrator?.orchestrator.gateway.detach(agentId));
}

/** Remembers what was accepted, and complains when that happens twice. */
function noteAccepted(world: World, { taskId, leaseToken, outcome }: AgentRequest<"settle">): void {
  const { accepted, completions } = world.promises;
  const times = (accepted.get(leaseToken) ?? 0) + 1;
  accepted.set(leaseToken, times);
  world.note(`accepted: task ${taskId} ${outcome.status}`);
  if (times > 1) {
    world.violate({ rule: "one result", detail: "was settled twice under one lease", taskIds: [taskId] });
  }
  if (outcome.status !== "completed") return;
  const ends = (completions.get(taskId) ?? 0) + 1;
  completions.set(taskId, ends);
  if (ends > 1) world.violate({ rule: "one result", detail: "was completed twice", taskIds: [taskId] });
}
