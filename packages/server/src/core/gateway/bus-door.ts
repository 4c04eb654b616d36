import {
  AgentCall,
  type AgentOperation,
  AgentRegistration,
  isAgentId,
  limits,
  type Message,
  MusterError,
  type Problem,
} from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { MessageBus, Subscription } from "../../ports/message-bus.ts";
import type { AgentGateway, KeyService } from "../orchestrator.ts";
import { isoTime } from "../task-view.ts";
import { parse, payloadText } from "../validate.ts";
import { CallCounter } from "./call-counter.ts";

export interface BusDoorDependencies {
  bus: MessageBus;
  gateway: AgentGateway;
  keys: KeyService;
  clock: Clock;
  ids: Ids;
  log: Log;
}

const minuteMs = 60_000;
/** Calls of one agent in a minute. */
const callsPerMinute = 120_000;
/** Calls in a minute that bore the id of one agent without proof; beyond that they are not answered. */
const strangersPerMinute = 30;
/** Calls of one agent that may be under way at once. */
const callsAtOnce = 2 * limits.agentConcurrency;
/** How long calls that are under way may take when the node stops. */
const closeMs = 5_000;
const closePollMs = 20;

/**
 * The door for agents that read the bus themselves. Their calls are messages to `orchestrator`, which reach one node,
 * whichever is free; the answers are messages to them. Who may write to the bus could write any name over a message, so
 * the token in it decides who it is from: an API key, which may register any agent of its tenant, or the session of an
 * agent, which acts for that agent alone. The answer goes to the agent that was named, never to an address of the
 * sender's choice.
 */
export function createBusDoor({ bus, gateway, keys, clock, ids, log }: BusDoorDependencies) {
  const calls = new CallCounter(clock, callsPerMinute, minuteMs);
  const strangers = new CallCounter(clock, strangersPerMinute, minuteMs);
  const underWay = new Map<string, number>();
  let subscription: Subscription | undefined;

  /** What the bus brings. A question to another agent, or the line of a lock, may take a minute, so it is not waited for. */
  async function receive(message: Message): Promise<void> {
    if (!isNamed(message)) {
      log.debug({ messageId: message.id }, "A call that names no agent was dropped.");
      return;
    }
    const done = serve(message).catch((error: unknown) => {
      log.warn({ error, agentId: message.from }, "An agent could not be answered; it will ask again.");
    });
    const operation = (message.payload as AgentCall | null)?.operation;
    if (operation !== "query" && operation !== "lock") await done;
  }

  async function serve(message: Message): Promise<void> {
    const { from } = message;
    const running = underWay.get(from) ?? 0;
    underWay.set(from, running + 1);
    try {
      await answer(message, running < callsAtOnce ? await outcomeOf(message) : refused(tooManyAtOnce()));
    } finally {
      const left = (underWay.get(from) ?? 1) - 1;
      if (left === 0) underWay.delete(from);
      else underWay.set(from, left);
    }
  }

  async function outcomeOf(message: Message): Promise<Outcome> {
    try {
      const call = parse(AgentCall, message.payload, "The call");
      if (payloadText(call.body, "The body").length > limits.bodyBytes) throw tooLarge();
      return { result: await perform(message.from, call) };
    } catch (error) {
      if (error instanceof MusterError) {
        // Nobody knows whether the real agent has heard of it, so it gets somewhere to hear it.
        if (isStranger(error)) return introduce(message.from, error);
        return refused(error);
      }
      log.error({ error, agentId: message.from }, "A call of an agent failed in a way that nobody expected.");
      return refused(new MusterError("internal", `Something went wrong inside Muster (${message.id}).`));
    }
  }

  async function introduce(stranger: string, error: MusterError): Promise<Outcome> {
    if (!strangers.take(stranger)) return null;
    await bus.provide(stranger);
    return refused(error);
  }

  async function perform(from: string, { operation, token, body }: AgentCall): Promise<unknown> {
    if (operation === "register") return register(from, token, body);
    const caller = await gateway.authenticate(token);
    if (caller === undefined) throw sessionUnknown();
    if (caller.agentId !== from) throw notYours(from);
    if (!calls.take(from)) throw tooManyCalls();
    if (operation !== "resume") return gateway.request(from, operation as AgentOperation, body);
    await bus.provide(from);
    return { agentId: from };
  }

  async function register(from: string, key: string, body: unknown): Promise<unknown> {
    const principal = await keys.authenticate(key);
    if (principal === null) throw keyUnknown();
    if (principal.role === "client") throw roleMissing();
    const registration = parse(AgentRegistration, body, "The registration");
    if (registration.id !== from) throw idMissing(from);
    return gateway.register(registration, principal, null);
  }

  async function answer({ from, correlationId }: Message, outcome: Outcome): Promise<void> {
    if (outcome === null) return;
    await bus.respond({
      id: ids.next(),
      type: "task_response",
      from: "orchestrator",
      to: from,
      correlationId,
      payload: outcome,
      sentAt: isoTime(clock.now()),
    });
  }

  async function idle(): Promise<void> {
    const until = clock.now() + closeMs;
    while (underWay.size > 0 && clock.now() < until) {
      await new Promise<void>((resolve) => clock.setTimer(closePollMs, resolve));
    }
  }

  return {
    async open(): Promise<void> {
      subscription = await bus.serve(receive);
    },
    /** Takes no more calls, and answers those that it has. */
    async close(): Promise<void> {
      await subscription?.end();
      await idle();
    },
  };
}

/** Null: better no answer than one more. */
type Outcome = { result: unknown } | { problem: Problem } | null;

const refused = (error: MusterError): Outcome => ({ problem: error.toProblem() });

const isNamed = ({ type, from }: Message): boolean => type === "query" && isAgentId(from);

const isStranger = ({ code }: MusterError): boolean => code === "unauthenticated" || code === "forbidden";

const keyUnknown = (): MusterError =>
  new MusterError("unauthenticated", "This API key is not known, or it was revoked.", {
    hint: "Check for a typing error, or ask an admin for a new key (POST /v1/keys).",
  });

const roleMissing = (): MusterError =>
  new MusterError("forbidden", "A key with the role client may not register agents.", {
    hint: "It needs a key with the role agent or admin.",
  });

const sessionUnknown = (): MusterError =>
  new MusterError("unauthenticated", "No agent has this session: it left, it expired, or was replaced.", {
    hint: "Register again with the API key, then go on with the new session.",
  });

const notYours = (agentId: string): MusterError =>
  new MusterError("forbidden", `This session does not belong to ${agentId}.`, {
    hint: "An agent acts under its own id only: the one that its registration answered with.",
  });

const idMissing = (from: string): MusterError =>
  new MusterError("invalid_request", `The registration does not have the id ${from}.`, {
    hint: "An agent that reads the broker chooses its id and writes it into `id` and the message's `from`.",
  });

const tooLarge = (): MusterError =>
  new MusterError("payload_too_large", `The body has more than ${limits.bodyBytes} bytes.`, {
    hint: "Keep large data in a file or an object store and pass its address.",
  });

const tooManyCalls = (): MusterError =>
  new MusterError("rate_limited", `There were more than ${callsPerMinute} calls within a minute.`, {
    hint: "Wait a little, and call less often.",
  });

const tooManyAtOnce = (): MusterError =>
  new MusterError("rate_limited", `More than ${callsAtOnce} calls of this agent are under way.`, {
    hint: "Wait for some of the answers.",
  });
