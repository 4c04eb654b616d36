import {
  type AgentOperation,
  AgentRegistration,
  type AgentRequest,
  type AgentResponse,
  type AgentSession,
  agentOperations,
  type Message,
  MusterError,
  type TaskAssignment,
} from "@muster/sdk/protocol";
import type { AgentRegistry } from "../../ports/agent-registry.ts";
import type { Cache } from "../../ports/cache.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { MessageBus } from "../../ports/message-bus.ts";
import type { Signals } from "../../ports/signals.ts";
import type { CapabilitySchemas } from "../discovery/capability-schemas.ts";
import type { AgentGateway, AgentLine, LineEnd, Principal } from "../orchestrator.ts";
import { parse } from "../validate.ts";
import type { AgentLife } from "./agent-life.ts";
import { Attachment } from "./attachment.ts";
import { HeldTasks } from "./held-tasks.ts";
import { createHomes } from "./homes.ts";
import type { Operations } from "./operations.ts";
import { createSessions } from "./sessions.ts";

export interface GatewayDependencies {
  registry: AgentRegistry;
  bus: MessageBus;
  clock: Clock;
  ids: Ids;
  log: Log;
  schemas: CapabilitySchemas;
  life: AgentLife;
  operations: Operations;
  cache?: Cache;
  signals?: Signals;
  leaseMs: number;
  heartbeatMs: number;
  /** How long a connection may be gone before its agent is taken for dead. */
  graceMs: number;
}

/** Messages that an agent did not take before it moved go on in the middle of what waits for it. */
const forwardPriority = 5;

/**
 * ⑥ The door for agents: who they are, what reaches them, what they may do. An agent may come to any node. The one that
 * has its connection is its home and receives from the bus for it; operations are done wherever they arrive, since
 * all that they need is shared.
 */
export function createAgentGateway(deps: GatewayDependencies) {
  const { registry, bus, clock, ids, log, schemas, life, operations } = deps;
  const sessions = createSessions(deps);
  const homes = createHomes({ ...deps, checkMs: deps.leaseMs });
  const attached = new Map<string, Attachment>();

  async function register(registration: AgentRegistration, principal: Principal, line: AgentLine | null) {
    parse(AgentRegistration, registration, "The registration");
    schemas.admit(registration.capabilities);
    const agentId =
      registration.id ?? `${registration.name.replaceAll(/[^A-Za-z0-9._-]/g, "-")}-${ids.next().slice(-12)}`;
    const known = await registry.get(agentId);
    if (known !== undefined && known.tenant !== principal.tenant) {
      throw new MusterError("conflict", `The agent id "${agentId}" is taken.`, {
        hint: "Leave the id out, or choose another.",
      });
    }
    await drop(attached.get(agentId), "replaced", line);
    const session = await sessions.open(agentId);
    try {
      if (line === null) await bus.provide(agentId);
      else await receive(new Attachment(agentId, session, line), registration.maxConcurrency);
      await life.join(agentId, registration, principal.tenant);
      await homes.claim(agentId);
    } catch (error) {
      await sessions.end(agentId);
      await drop(attached.get(agentId), "replaced");
      throw error;
    }
    log.info({ agentId, name: registration.name }, "An agent registered.");
    return {
      agentId,
      session,
      heartbeatMs: deps.heartbeatMs,
      leaseMs: deps.leaseMs,
    } satisfies AgentSession;
  }

  /** Subscribes the bus for an agent. The newest subscription of all nodes is the one that counts. */
  async function receive(attachment: Attachment, prefetch = 1): Promise<void> {
    const { agentId } = attachment;
    const before = attached.get(agentId);
    attached.set(agentId, attachment);
    try {
      attachment.subscription = await bus.subscribe(
        agentId,
        (message) => pass(attachment, message),
        prefetch,
      );
    } catch (error) {
      // The agent must not seem to be here: it would be sent tasks that nobody receives for it.
      if (attached.get(agentId) === attachment) putBack(agentId, before);
      throw error;
    }
    // Another one came meanwhile.
    if (attached.get(agentId) !== attachment) await attachment.subscription.end();
  }

  function putBack(agentId: string, before: Attachment | undefined): void {
    if (before === undefined) attached.delete(agentId);
    else attached.set(agentId, before);
  }

  function pass(attachment: Attachment, message: Message): void {
    if (message.type === "task_request") {
      // The agent did not know of it, so its lease was not prolonged: the task is somebody else's by now.
      if (Date.parse(message.sentAt) + deps.leaseMs <= clock.now()) return;
      attachment.held.note(message.payload as TaskAssignment);
    }
    attachment.deliver(message);
  }

  /** Lets go of an agent here; answers what it has not got. */
  async function drop(
    attachment: Attachment | undefined,
    reason: LineEnd,
    next?: AgentLine | null,
  ): Promise<Message[]> {
    if (attachment === undefined) return [];
    const left = attachment.end(reason, next);
    if (attached.get(attachment.agentId) === attachment) {
      attached.delete(attachment.agentId);
      sessions.forget(attachment.agentId);
    }
    await attachment.subscription?.end();
    return left;
  }

  /** The agent goes on at another node: what it has not got here goes after it. */
  async function moveOn(agentId: string, reason: LineEnd): Promise<void> {
    const left = await drop(attached.get(agentId), reason);
    log.debug({ agentId, messages: left.length }, "An agent moves to another node.");
    for (const message of left) await bus.send(message, forwardPriority);
  }

  async function attach(agentId: string, session: string, line: AgentLine): Promise<void> {
    const agent = await registry.get(agentId);
    if (agent === undefined || !(await life.heartbeat(agent, undefined))) throw unknown(agentId);
    const before = attached.get(agentId);
    await receive(new Attachment(agentId, session, line, before?.held), agent.maxConcurrency);
    const left = before?.end("replaced", line) ?? [];
    await sessions.keep(agentId, session);
    await homes.claim(agentId);
    for (const message of left) line(message);
  }

  async function request<O extends AgentOperation>(agentId: string, operation: O, body: unknown) {
    const kind = agentOperations[operation];
    if (kind === undefined) {
      throw new MusterError("invalid_request", `There is no operation "${String(operation)}".`, {
        hint: `Operations are ${Object.keys(agentOperations).join(", ")}.`,
      });
    }
    const checked = parse(kind.request, body ?? {}, `The body of ${operation}`) as AgentRequest<O>;
    const agent = await registry.get(agentId);
    if (agent === undefined) throw unknown(agentId);
    if (operation === "leave") await leave(agentId);
    const held = attached.get(agentId)?.held ?? new HeldTasks();
    return (await operations.run(operation, { agent, held }, checked)) as AgentResponse<O>;
  }

  async function leave(agentId: string): Promise<void> {
    await drop(attached.get(agentId), "replaced");
    await sessions.end(agentId);
    await life.leave(agentId, "left");
    await homes.leave(agentId);
  }

  /** Waits for a lost connection to come back, here or at another node. */
  function awaitReturn(attachment: Attachment): void {
    const lostAt = clock.now();
    attachment.grace = clock.setTimer(deps.graceMs, () => {
      giveUp(attachment, lostAt).catch((error: unknown) =>
        log.warn({ error, agentId: attachment.agentId }, "A lost agent could not be removed."),
      );
    });
  }

  async function giveUp(attachment: Attachment, lostAt: number): Promise<void> {
    const { agentId } = attachment;
    const moved = !(await homes.isHere(agentId));
    const agent = await registry.get(agentId);
    if (attached.get(agentId) !== attachment || attachment.isConnected) return;
    if (moved) return moveOn(agentId, "replaced");
    // It was heard of since then, by way of another node: it is about to come back.
    if (!homes.alone && agent !== undefined && agent.lastSeen > lostAt) return awaitReturn(attachment);
    await drop(attachment, "replaced");
    await life.leave(agentId, "lost");
  }

  const gateway: AgentGateway = {
    register,
    attach,
    request,
    isHome: async (agentId) => attached.has(agentId) && (await homes.isHere(agentId)),
    async authenticate(session) {
      const agentId = await sessions.find(session);
      return agentId === undefined ? undefined : { agentId };
    },
    detach(agentId) {
      const attachment = attached.get(agentId);
      if (attachment === undefined || !attachment.isConnected) return;
      attachment.disconnect();
      awaitReturn(attachment);
    },
    async handOver() {
      await Promise.all([...attached.keys()].map((agentId) => moveOn(agentId, "closing")));
    },
  };
  return {
    gateway,
    start: () =>
      homes.start({
        mine: () => [...attached.keys()],
        onMoved: (agentId) => moveOn(agentId, "replaced"),
        async onStayed(agentId) {
          const attachment = attached.get(agentId);
          if (attachment !== undefined) await sessions.keep(agentId, attachment.session);
        },
      }),
    stop: () => homes.stop(),
  };
}

const unknown = (agentId: string): MusterError =>
  new MusterError("agent_unknown", `Agent ${agentId} is not registered, or expired.`, {
    hint: "Register again.",
  });
