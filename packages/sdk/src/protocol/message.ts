import Type, { type Static } from "typebox";
import { AgentStatus } from "./agent.ts";
import { Usage, UsageAnswer, usageReport } from "./budget.ts";
import { AgentSearch, FoundAgent } from "./found-agent.ts";
import { leaseProof as Lease } from "./lease.ts";
import { limits } from "./limits.ts";
import { LockAnswer, LockGrant, lockRenewal, lockRequest } from "./lock.ts";
import { memoryOperations } from "./memory-operations.ts";
import { stateOperations } from "./state-operations.ts";
import { streamOperation } from "./stream.ts";
import { Priority, TaskError, TaskResult, TaskSubmission } from "./task.ts";

export const MessageType = Type.Enum(["task_request", "task_response", "event", "query"], {
  $id: "MessageType",
});
export type MessageType = Static<typeof MessageType>;

/** What travels over the bus. It may be lost, repeated or late; nothing rests on its arrival. */
export const Message = Type.Object(
  {
    id: Type.String(),
    type: MessageType,
    from: Type.String({ description: "Agent id, or `orchestrator`." }),
    to: Type.String({ description: "Agent id, or `*` for a broadcast." }),
    taskId: Type.Optional(Type.String()),
    correlationId: Type.String(),
    payload: Type.Unknown(),
    sentAt: Type.String({ format: "date-time" }),
    trace: Type.Optional(Type.String({ description: "W3C traceparent." })),
  },
  { $id: "Message" },
);
export type Message = Static<typeof Message>;

/** One recorded step of a task: what it is called, and the result that the next attempt takes over. */
export const JournalEntry = Type.Object(
  { key: Type.String({ minLength: 1, maxLength: limits.keyLength }), value: Type.Unknown() },
  { $id: "JournalEntry", additionalProperties: false },
);
export type JournalEntry = Static<typeof JournalEntry>;

/** Payload of a `task_request`: the task, its lease and everything that earlier attempts recorded. */
export const TaskAssignment = Type.Object(
  {
    taskId: Type.String(),
    leaseToken: Type.String({
      description: "Proves that this attempt is the live one; sent with every report.",
    }),
    capability: Type.Union([Type.String(), Type.Null()]),
    input: Type.Unknown(),
    priority: Priority,
    attempt: Type.Integer(),
    maxAttempts: Type.Integer(),
    timeoutAt: Type.String({ format: "date-time" }),
    runId: Type.Union([Type.String(), Type.Null()]),
    parentId: Type.Union([Type.String(), Type.Null()]),
    resumed: Type.Boolean({ description: "The same attempt goes on after waiting for others." }),
    journal: Type.Array(JournalEntry),
  },
  { $id: "TaskAssignment" },
);
export type TaskAssignment = Static<typeof TaskAssignment>;

/** Payload of the `event` message that tells an agent to stop work on a task. */
export const StopWork = Type.Object(
  {
    event: Type.Literal("task.stop"),
    taskId: Type.String(),
    reason: Type.Enum(["cancelled", "timeout", "lease_lost"]),
  },
  { $id: "StopWork" },
);
export type StopWork = Static<typeof StopWork>;

const closed = { additionalProperties: false } as const;

/**
 * The operations of an agent after it registered: the name, what it sends, what it gets back. All three
 * transports (in process, WebSocket, HTTP) carry these and nothing else; docs/agent-protocol.md explains them.
 */
export const agentOperations = {
  heartbeat: {
    request: Type.Object(
      {
        status: Type.Optional(AgentStatus),
        tasks: Type.Optional(
          Type.Array(Type.Object(Lease, closed), { maxItems: limits.agentConcurrency * 2 }),
        ),
      },
      closed,
    ),
    response: Type.Object({
      lost: Type.Array(Type.String(), {
        description: "Tasks that are not this agent's any more: stop them.",
      }),
    }),
  },
  settle: {
    request: Type.Object(
      {
        ...Lease,
        outcome: Type.Union([
          Type.Object({ status: Type.Literal("completed"), output: Type.Optional(Type.Unknown()) }, closed),
          Type.Object({ status: Type.Literal("failed"), error: TaskError }, closed),
        ]),
        usage: Type.Optional(Usage),
      },
      closed,
    ),
    response: Type.Object({ accepted: Type.Literal(true) }),
  },
  journal: {
    request: Type.Object({ ...Lease, ...JournalEntry.properties }, closed),
    response: Type.Object({ recorded: Type.Literal(true) }),
  },
  usage: {
    request: Type.Object({ ...Lease, ...usageReport }, closed),
    response: UsageAnswer,
  },
  delegate: {
    request: Type.Object(
      {
        ...Lease,
        key: Type.String({
          minLength: 1,
          maxLength: limits.keyLength,
          description:
            "Names this delegation within the task: the same key never creates the sub-tasks twice.",
        }),
        tasks: Type.Array(TaskSubmission, { minItems: 1, maxItems: limits.tasksPerSubmission }),
      },
      closed,
    ),
    response: Type.Object({ taskIds: Type.Array(Type.String()) }),
  },
  wait: {
    request: Type.Object(
      {
        ...Lease,
        taskIds: Type.Array(Type.String({ format: "uuid" }), {
          minItems: 1,
          maxItems: limits.tasksPerSubmission,
        }),
        mode: Type.Enum(["all", "any"], { description: "Go on when all, or one, of them ended." }),
      },
      closed,
    ),
    response: Type.Object({
      parked: Type.Boolean({
        description: "The slot was freed; a task_request with `resumed` follows when it can go on.",
      }),
      settled: Type.Array(TaskResult),
    }),
  },
  lock: {
    request: Type.Object({ ...Lease, ...lockRequest }, closed),
    response: LockAnswer,
  },
  renewLock: {
    request: Type.Object({ ...Lease, ...lockRenewal }, closed),
    response: LockGrant,
  },
  unlock: {
    request: Type.Object({ ...Lease, name: lockRenewal.name, token: lockRenewal.token }, closed),
    response: Type.Object({
      released: Type.Boolean({ description: "False: it was not held, or not any more." }),
    }),
  },
  progress: {
    request: Type.Object(
      {
        ...Lease,
        fraction: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
        message: Type.Optional(Type.String({ maxLength: limits.textLength })),
      },
      closed,
    ),
    response: Type.Object({}),
  },
  log: {
    request: Type.Object(
      {
        ...Lease,
        level: Type.Enum(["debug", "info", "warn", "error"]),
        message: Type.String({ maxLength: limits.textLength }),
        fields: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      },
      closed,
    ),
    response: Type.Object({}),
  },
  stream: streamOperation,
  send: {
    request: Type.Object({ to: Type.String(), payload: Type.Unknown() }, closed),
    response: Type.Object({ messageId: Type.String() }),
  },
  broadcast: {
    request: Type.Object({ payload: Type.Unknown() }, closed),
    response: Type.Object({ messageId: Type.String() }),
  },
  query: {
    request: Type.Object(
      {
        to: Type.String(),
        payload: Type.Unknown(),
        timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.longPollMs })),
      },
      closed,
    ),
    response: Type.Object({ payload: Type.Unknown() }),
  },
  reply: {
    request: Type.Object(
      { to: Type.String(), correlationId: Type.String(), payload: Type.Unknown() },
      closed,
    ),
    response: Type.Object({ messageId: Type.String() }),
  },
  ...stateOperations,
  ...memoryOperations,
  findAgents: {
    request: Type.Object({ ...Lease, ...AgentSearch.properties }, closed),
    response: Type.Object({ agents: Type.Array(FoundAgent) }),
  },
  leave: { request: Type.Object({}, closed), response: Type.Object({}) },
} as const;

export type AgentOperation = keyof typeof agentOperations;
export type AgentRequest<O extends AgentOperation> = Static<(typeof agentOperations)[O]["request"]>;
export type AgentResponse<O extends AgentOperation> = Static<(typeof agentOperations)[O]["response"]>;

/** What an agent gets back when it registered. */
export const AgentSession = Type.Object(
  {
    agentId: Type.String(),
    session: Type.String({ description: "Bearer token of this agent for all its operations." }),
    heartbeatMs: Type.Integer({ description: "Send a heartbeat this often." }),
    leaseMs: Type.Integer({ description: "A task whose agent is silent for this long goes to another." }),
  },
  { $id: "AgentSession" },
);
export type AgentSession = Static<typeof AgentSession>;
