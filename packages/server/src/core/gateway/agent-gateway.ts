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
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { MessageBus, Subscription } from "../../ports/message-bus.ts";
import type { CapabilitySchemas } from "../discovery/capability-schemas.ts";
import type { AgentGateway, Principal } from "../orchestrator.ts";
import { parse } from "../validate.ts";
import type { AgentLife } from "./agent-life.ts";
import { HeldTasks } from "./held-tasks.ts";
import type { Mail } from "./mail.ts";
import type { Operations } from "./operations.ts";

export interface GatewayDependencies {
  registry: AgentRegistry;
  bus: MessageBus;
  clock: Clock;
  ids: Ids;
  log: Log;
  schemas: CapabilitySchemas;
  life: AgentLife;
  mail: Mail;
  operations: Operations;
  leaseMs: number;
  heartbeatMs: number;
  /** How long a connection may be gone before its agent is taken for dead. */
  graceMs: number;
}

/** One registered agent on this node. */
interface Session {
  agentId: string;
  token: string;
  held: HeldTasks;
  deliver: (message: Message) => void;
  subscriptions: Subscription[];
  /** Runs while the connection is gone. */
  grace: Timer | null;
}

/** ⑥ The door for agents: who they are, what reaches them, what they may do. */
export function createAgentGateway(deps: GatewayDependencies): AgentGateway {
  const { registry, bus, clock, ids, log, schemas, life, mail, operations } = deps;
  const byAgent = new Map<string, Session>();
  const byToken = new Map<string, Session>();

  async function register(
    registration: AgentRegistration,
    principal: Principal,
    deliver: Session["deliver"],
  ) {
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
    await close(byAgent.get(agentId));
    const session: Session = {
      agentId,
      token: ids.secret(),
      held: new HeldTasks(),
      deliver,
      subscriptions: [],
      grace: null,
    };
    byAgent.set(agentId, session);
    byToken.set(session.token, session);
    try {
      session.subscriptions.push(
        await bus.subscribe(agentId, (message) => pass(session, message)),
        await bus.listen(agentId, (message) => mail.receive(message)),
      );
      await life.join(agentId, registration, principal.tenant);
    } catch (error) {
      await close(session);
      throw error;
    }
    log.info({ agentId, name: registration.name }, "An agent registered.");
    return {
      agentId,
      session: session.token,
      heartbeatMs: deps.heartbeatMs,
      leaseMs: deps.leaseMs,
    } satisfies AgentSession;
  }

  function pass(session: Session, message: Message): void {
    if (message.type === "task_request") session.held.note(message.payload as TaskAssignment);
    session.deliver(message);
  }

  async function close(session: Session | undefined): Promise<void> {
    if (session === undefined) return;
    session.grace?.cancel();
    byToken.delete(session.token);
    if (byAgent.get(session.agentId) === session) byAgent.delete(session.agentId);
    for (const subscription of session.subscriptions.splice(0)) await subscription.end();
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
    const session = byAgent.get(agentId);
    if (agent === undefined || session === undefined) {
      throw new MusterError("agent_unknown", `Agent ${agentId} is not registered, or expired.`, {
        hint: "Register again.",
      });
    }
    if (operation === "leave") await leave(session, agent);
    const answer = await operations.run(operation, { agent, held: session.held }, checked);
    return answer as AgentResponse<O>;
  }

  async function leave(session: Session, agent: AgentRecord): Promise<void> {
    await close(session);
    await life.leave(agent.id, "left");
  }

  return {
    register,
    request,
    authenticate: (token) => {
      const session = byToken.get(token);
      return session === undefined ? undefined : { agentId: session.agentId };
    },
    attach(agentId, deliver) {
      const session = byAgent.get(agentId);
      if (session === undefined)
        throw new MusterError("agent_unknown", `Agent ${agentId} is not registered.`);
      session.grace?.cancel();
      session.grace = null;
      session.deliver = deliver;
    },
    detach(agentId) {
      const session = byAgent.get(agentId);
      if (session === undefined || session.grace !== null) return;
      session.deliver = () => {};
      session.grace = clock.setTimer(deps.graceMs, () => {
        close(session)
          .then(() => life.leave(agentId, "lost"))
          .catch((error: unknown) => log.warn({ error, agentId }, "A lost agent could not be removed."));
      });
    },
  };
}
