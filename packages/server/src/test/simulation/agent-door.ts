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
import type { AgentLine } from "../../core/orchestrator.ts";
import { root } from "../orchestrate.ts";
import type { NodeProcess } from "./node-process.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { callNode } from "./wire.ts";
import type { World } from "./world.ts";

/** Pause before a broken line is tried to be made anew. */
const reconnectMs = 400;
/** Share of operations that go to any node, as those of an agent without a standing connection do. */
const elsewhere = 0.2;

export interface AgentDoor extends AgentTransport {
  /** The connection breaks; the agent comes back, at any node. `seen`: the node notices. */
  breakLine(seen: boolean): void;
}

/**
 * What an agent needs to speak to the nodes: the transport of the SDK, over the faulty network. It has a line to one
 * node, and comes back to any when that breaks.
 */
export function createAgentDoor(world: World, process: SimulatedProcess, tenant: string): AgentDoor {
  const { chance } = world;
  const principal = { ...root, role: "agent" as const, tenant };
  let session: AgentSession | undefined;
  let home: NodeProcess | undefined;
  let deliver: (message: Message) => void = () => {};
  /** Counts lines: what a former one brings is dropped. */
  let lines = 0;
  let closed = false;

  function newLine(): AgentLine {
    const number = ++lines;
    const line: AgentLine = (message) => {
      const delayMs = chance.int(0, world.faults.wireDelayMs);
      world.clock.setTimer(delayMs, () =>
        process.reach(() => {
          if (number === lines) deliver(message);
        }),
      );
    };
    line.end = () => {
      if (number === lines) process.reach(comeBack);
      return [];
    };
    return line;
  }

  function settleAt(node: NodeProcess): void {
    home = node;
    // The agent sees that the node is gone and goes to another.
    node.down.catch(() => {
      if (home === node) process.reach(comeBack);
    });
  }

  function comeBack(): void {
    home = undefined;
    lines += 1;
    process.clock.setTimer(reconnectMs, () => {
      if (home === undefined && session !== undefined && !closed) void reattach(session);
    });
  }

  async function reattach({ agentId, session: token }: AgentSession): Promise<void> {
    const line = newLine();
    const number = lines;
    try {
      await callNode(world, process, async ({ gateway }, node) => {
        if ((await gateway.authenticate(token))?.agentId !== agentId) throw unknown();
        await gateway.attach(agentId, token, line);
        if (number === lines) settleAt(node);
      });
    } catch (error) {
      if (number !== lines) return;
      // Whoever asks next learns that it must register again.
      if (error instanceof MusterError && !error.retryable) session = undefined;
      else comeBack();
    }
  }

  async function connect(registration: AgentRegistration, onMessage: (message: Message) => void) {
    deliver = onMessage;
    const line = newLine();
    const number = lines;
    session = await callNode(world, process, async ({ gateway }, node) => {
      const opened = await gateway.register(registration, principal, line);
      if (number === lines) settleAt(node);
      return opened;
    });
    return session;
  }

  function request<O extends AgentOperation>(operation: O, body: AgentRequest<O>): Promise<AgentResponse<O>> {
    if (session === undefined) return Promise.reject(unknown());
    const { agentId } = session;
    const work = async ({ gateway }: NodeProcess["orchestrator"]) => {
      const answer = await gateway.request(agentId, operation, body);
      if (operation === "settle") noteAccepted(world, body as AgentRequest<"settle">);
      return answer;
    };
    return callNode(world, process, work, chance.is(elsewhere) ? undefined : home);
  }

  function breakLine(seen: boolean): void {
    const [node, agentId] = [home, session?.agentId];
    if (node === undefined || agentId === undefined) return;
    if (seen) node.process.reach(() => node.orchestrator.gateway.detach(agentId));
    comeBack();
  }

  return {
    connect,
    request,
    breakLine,
    async close() {
      closed = true;
      breakLine(true);
      session = undefined;
    },
  };
}

const unknown = (): MusterError => new MusterError("agent_unknown", "Not connected.");

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
