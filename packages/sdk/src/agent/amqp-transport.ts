import { randomUUID } from "node:crypto";
import { type AsyncMessage, Connection, type Consumer, ConsumerStatus } from "rabbitmq-client";
import {
  type AgentCall,
  type AgentOperation,
  type AgentRegistration,
  type AgentResponse,
  type AgentSession,
  amqpNames,
  amqpPropertiesOf,
  amqpQueues,
  limits,
  type Message,
  MusterError,
  messageOfAmqp,
} from "../protocol/index.ts";
import { type Clock, sleep, systemClock } from "../time/clock.ts";
import { AmqpCalls } from "./amqp-calls.ts";
import { createKeepAlive } from "./keep-alive.ts";
import { RecentTokens } from "./recent-tokens.ts";
import { type AgentTransport, wishedMs } from "./transport.ts";
import { closedError } from "./web-socket-transport.ts";

export interface AmqpTransportOptions {
  /** Where the broker is and who this agent is there, `amqp://user:password@host/vhost`; `amqps:` for TLS. */
  url: string;
  /** The agent's key for Muster, sent with its registration. */
  apiKey: string;
  clock?: Clock;
}

/** Within about twice this, a connection that says nothing any more is given up. */
const heartbeatSeconds = 4;
/** An operation that is not answered by then is taken for lost; most can be sent again. */
const answerMs = 5_000;
/** Calls that wait for an answer, beyond which more are refused. */
const mostCalls = 2 * limits.agentConcurrency;
/** After a queue was lost, how often it is asked for again. */
const resumePauseMs = 500;
const rememberedMessages = 4_096;
const answersAtOnce = 100;
const closeMs = 2_000;

/** What is urgent overtakes what can wait, should requests pile up. */
const priorityOf = (operation: string): number => {
  if (operation === "heartbeat") return 9;
  if (operation === "progress" || operation === "log") return 2;
  return operation === "register" || operation === "resume" ? 8 : 5;
};

/**
 * An agent's way to the orchestrator through the message broker of a cluster, and no node in between: it reads its own
 * two queues, and any node that is free answers its requests. Nodes make the queues; the agent's user of the broker
 * needs to read these two and to write requests, nothing else. Connection and readers come back by themselves;
 * where the broker has lost a queue, the agent asks for it again.
 */
export const createAmqpTransport = ({
  url,
  apiKey,
  clock = systemClock,
}: AmqpTransportOptions): AgentTransport => {
  const keepAlive = createKeepAlive();
  const calls = new AmqpCalls(clock);
  const closing = new AbortController();
  let line: Line | undefined;
  let session: AgentSession | undefined;
  let resuming = false;

  /** One call of the orchestrator; its answer comes through the agent's queue of responses. */
  const call = async (via: Line, { operation, ...rest }: AgentCall, waitMs = 0): Promise<unknown> => {
    if (calls.size >= mostCalls) throw unanswered(`${calls.size} calls wait for an answer already`);
    const id = randomUUID();
    const payload: AgentCall = { operation, ...rest };
    const answer = calls.open(id, waitMs + answerMs, () => unanswered(`no answer to ${operation} came`));
    answer.catch(() => undefined);
    via
      .publish({
        id,
        type: "query",
        from: via.agentId,
        to: "orchestrator",
        correlationId: id,
        payload,
        sentAt: new Date(clock.now()).toISOString(),
      })
      .catch((error: unknown) => calls.fail(id, unanswered(reasonOf(error), error)));
    return answer;
  };

  /** Has the queues made again; one call at a time, until there is an answer. */
  const resume = async (via: Line): Promise<void> => {
    if (resuming) return;
    resuming = true;
    try {
      while (!closing.signal.aborted && via === line && session !== undefined) {
        const asked = call(via, { operation: "resume", token: session.session });
        const failure = await asked.then(
          () => undefined,
          (error: MusterError) => error,
        );
        // One that is not known any more finds out with its next operation, and registers again.
        if (failure === undefined || !failure.retryable) return;
        await sleep(clock, resumePauseMs, closing.signal).catch(() => undefined);
      }
    } finally {
      resuming = false;
    }
  };

  const open = (registration: AgentRegistration, onMessage: (message: Message) => void): Line =>
    openLine({
      url,
      agentId: registration.id ?? madeUpId(registration.name),
      prefetch: registration.maxConcurrency ?? 1,
      onMessage,
      onAnswer: (message) => calls.answer(message),
      onUnread: (id) => calls.fail(id, unanswered("no node serves on this broker")),
      onDoubt: (doubtful) => void resume(doubtful),
    });

  return {
    async connect(registration, onMessage) {
      if (closing.signal.aborted) throw closedError();
      session = undefined;
      const before = line;
      const id = before?.agentId ?? registration.id;
      line = undefined;
      await before?.close();
      const mine = open(id === undefined ? registration : { ...registration, id }, onMessage);
      line = mine;
      try {
        const body = { ...registration, id: mine.agentId };
        const answer = await call(mine, { operation: "register", token: apiKey, body });
        if (line !== mine) throw unanswered("the connection was given up");
        session = answer as AgentSession;
      } catch (error) {
        if (line === mine) line = undefined;
        await mine.close();
        throw error;
      }
      keepAlive.begin();
      return session;
    },
    async request<O extends AgentOperation>(operation: O, body: unknown) {
      if (closing.signal.aborted) throw closedError();
      if (session === undefined || line === undefined) {
        throw new MusterError("agent_unknown", "The agent is not registered.");
      }
      const waitMs = wishedMs(operation, body);
      return (await call(line, { operation, token: session.session, body }, waitMs)) as AgentResponse<O>;
    },
    async close() {
      closing.abort();
      calls.failAll(closedError());
      const last = line;
      line = undefined;
      await last?.close();
      keepAlive.end();
    },
  };
};

interface LineOptions {
  url: string;
  agentId: string;
  prefetch: number;
  onMessage: (message: Message) => void;
  onAnswer: (message: Message) => void;
  /** A request with this id reached no queue. */
  onUnread: (id: string) => void;
  /** Perhaps the broker has lost the agent's queues. */
  onDoubt: (line: Line) => void;
}

interface Line {
  agentId: string;
  publish(message: Message): Promise<void>;
  close(): Promise<void>;
}

/** The connection of one agent to the broker: two readers and a publisher. */
const openLine = (options: LineOptions): Line => {
  const { agentId } = options;
  const queues = amqpQueues(agentId);
  const connection = new Connection({
    url: options.url,
    connectionName: `muster agent ${agentId}`,
    heartbeat: heartbeatSeconds,
    connectionTimeout: answerMs,
    acquireTimeout: answerMs,
    retryLow: 100,
    retryHigh: 1_000,
    noDelay: true,
  });
  let problem: unknown;
  // Whatever goes wrong shows in calls that are not answered; this says why.
  const note = (error: unknown) => {
    problem = error;
  };
  connection.on("error", note);
  connection.on("connection", () => options.onDoubt(line));
  const publisher = connection.createPublisher({ confirm: true, maxAttempts: 2 });
  publisher.on("basic.return", ({ messageId }) => options.onUnread(messageId as string));

  const seen = new RecentTokens(rememberedMessages);
  const read = (queue: string, prefetchCount: number, take: (message: Message) => void): Consumer => {
    const settings = { queue, queueOptions: { passive: true }, qos: { prefetchCount } };
    const consumer = connection.createConsumer(settings, ({ body, headers }: AsyncMessage) => {
      const message = messageOfAmqp(body, headers);
      if (message === undefined) return ConsumerStatus.DROP;
      if (message.from !== agentId && seen.add(message.id)) take(message);
      return ConsumerStatus.ACK;
    });
    consumer.on("error", (error: { code?: unknown }) => {
      note(error);
      if (error.code === "CANCEL_FORCED") options.onDoubt(line);
    });
    return consumer;
  };
  const readers = [
    read(queues.responses, answersAtOnce, options.onAnswer),
    read(queues.tasks, options.prefetch, options.onMessage),
  ];

  const line: Line = {
    agentId,
    async publish(message) {
      const properties = amqpPropertiesOf(message, priorityOf((message.payload as AgentCall).operation));
      const address = { exchange: amqpNames.tasks, routingKey: amqpNames.requestQueue, mandatory: true };
      try {
        await publisher.send({ ...properties, ...address, replyTo: queues.responses }, message);
      } catch (error) {
        throw problem ?? error;
      }
    },
    async close() {
      const parting = Promise.allSettled([...readers, publisher].map((each) => each.close()));
      const parted = parting.then(() => connection.close()).catch(() => undefined);
      await Promise.race([parted, sleep(systemClock, closeMs)]);
      connection.unsafeDestroy();
    },
  };
  return line;
};

const madeUpId = (name: string): string =>
  `${name.replaceAll(/[^A-Za-z0-9._-]/g, "-")}-${randomUUID().slice(-12)}`;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const unanswered = (reason: string, cause?: unknown): MusterError =>
  new MusterError("unavailable", `Muster did not answer through the message broker: ${reason}.`, {
    hint: "See whether the broker and a Muster node run, and whether the agent's user may read and write there.",
    ...(cause === undefined ? {} : { cause }),
  });
