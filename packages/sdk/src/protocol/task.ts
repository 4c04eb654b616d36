import Type, { type Static } from "typebox";
import { Budget, BudgetState } from "./budget.ts";
import { limits } from "./limits.ts";
import { Name } from "./name.ts";
import { Question } from "./question.ts";
import { RetryPolicy } from "./retry.ts";

/** Priorities by name; the number orders the queue, highest first. */
export const priorities = { critical: 10, high: 7, medium: 5, low: 3, background: 1 } as const;
export const Priority = Type.Enum(["critical", "high", "medium", "low", "background"], { $id: "Priority" });
export type Priority = Static<typeof Priority>;

/** Where a task is in its life; docs/task-states.md draws the moves between them. */
export const TaskStatus = Type.Enum(
  ["blocked", "ready", "in_progress", "waiting", "completed", "failed", "cancelled"],
  { $id: "TaskStatus" },
);
export type TaskStatus = Static<typeof TaskStatus>;

export const finalStatuses: ReadonlySet<TaskStatus> = new Set(["completed", "failed", "cancelled"]);
export const isFinal = (status: TaskStatus): boolean => finalStatuses.has(status);

/**
 * When a task with dependencies may run: `all` when every one completed (the task fails, with the cause
 * named, as soon as one did not), `settled` when all have ended, however, `any` on the first that completed.
 */
export const JoinPolicy = Type.Enum(["all", "settled", "any"], { $id: "JoinPolicy" });
export type JoinPolicy = Static<typeof JoinPolicy>;

const Duration = (options: { default?: number; description: string }) =>
  Type.Integer({ minimum: 1, maximum: limits.durationMs, ...options });

export const defaultTimeoutMs = 600_000;

/** What went wrong in an attempt. `code` is the agent's own or one of Muster's, such as `timeout`. */
export const TaskError = Type.Object(
  {
    code: Type.String({ maxLength: limits.nameLength }),
    message: Type.String({ maxLength: limits.textLength }),
    retryable: Type.Optional(Type.Boolean({ default: true })),
    retryAfterMs: Type.Optional(
      Type.Integer({ minimum: 0, maximum: limits.durationMs, description: "Not before this long from now." }),
    ),
    taskId: Type.Optional(Type.String({ description: "The task that caused it, where it was another one." })),
    details: Type.Optional(Type.Unknown()),
  },
  { $id: "TaskError", additionalProperties: false },
);
export type TaskError = Static<typeof TaskError>;

/** One piece of work to hand in: for a capability, for one named agent, or a question to people (`ask`). */
export const TaskSubmission = Type.Object(
  {
    ref: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.keyLength,
        description: "A name for this task inside the submission, for `dependsOn`.",
      }),
    ),
    name: Type.Optional(Type.String({ maxLength: limits.nameLength, description: "For people to read." })),
    capability: Type.Optional(Name),
    agent: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.nameLength,
        description: "The name or id of the one agent that shall do it.",
      }),
    ),
    ask: Type.Optional(Question),
    input: Type.Optional(Type.Unknown({ description: "Checked against the capability's input schema." })),
    priority: Type.Optional(Priority),
    dependsOn: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: limits.keyLength }), {
        maxItems: limits.dependenciesPerTask,
        description: "Ids of tasks, or refs of this submission.",
      }),
    ),
    join: Type.Optional(JoinPolicy),
    retry: Type.Optional(RetryPolicy),
    timeoutMs: Type.Optional(
      Duration({ default: defaultTimeoutMs, description: "Longest time for one attempt, waiting included." }),
    ),
    deadlineMs: Type.Optional(
      Duration({
        description: "Longest time from submission to the end; then it fails, whatever it is doing.",
      }),
    ),
    delayMs: Type.Optional(
      Type.Integer({ minimum: 0, maximum: limits.durationMs, description: "Not before." }),
    ),
    tools: Type.Optional(Type.Array(Name, { maxItems: 32, description: "Tools that the agent must have." })),
    budget: Type.Optional(Budget),
    rolloutKey: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.keyLength,
        description:
          "Tasks with the same key stay on one side of a rollout, such as all of one customer. By default all of one run.",
      }),
    ),
    idempotencyKey: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.keyLength,
        description: "A second submission with the same key by the same tenant answers with the first task.",
      }),
    ),
  },
  { $id: "TaskSubmission", additionalProperties: false },
);
export type TaskSubmission = Static<typeof TaskSubmission>;

/** One ended try at a task that did not complete it. */
export const Attempt = Type.Object(
  {
    number: Type.Integer(),
    agent: Type.String(),
    startedAt: Type.String({ format: "date-time" }),
    finishedAt: Type.String({ format: "date-time" }),
    error: TaskError,
  },
  { $id: "Attempt" },
);
export type Attempt = Static<typeof Attempt>;

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });

export const Task = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    name: Nullable(Type.String()),
    capability: Nullable(Type.String()),
    requestedAgent: Nullable(Type.String()),
    agent: Nullable(Type.String({ description: "Name of the agent that has it, or had it last." })),
    agentId: Nullable(Type.String()),
    status: TaskStatus,
    priority: Priority,
    tenant: Type.String(),
    runId: Nullable(Type.String()),
    step: Nullable(Type.String()),
    index: Nullable(Type.Integer({ description: "Place in the fan-out of its step." })),
    parentId: Nullable(Type.String()),
    depth: Type.Integer(),
    join: JoinPolicy,
    attempts: Type.Integer({ description: "Attempts begun." }),
    maxAttempts: Type.Integer(),
    timeoutMs: Type.Integer(),
    input: Type.Unknown(),
    output: Type.Unknown(),
    error: Nullable(TaskError),
    createdAt: Time,
    readyAt: Nullable(Time),
    startedAt: Nullable(Time),
    finishedAt: Nullable(Time),
    deadlineAt: Nullable(Time),
    rollout: Type.Optional(
      Type.Object(
        { id: Type.String(), side: Type.Enum(["baseline", "candidate", "shadow"]) },
        {
          description:
            "The rollout in which its last attempt was made. What a shadow does counts for nothing.",
        },
      ),
    ),
  },
  { $id: "Task" },
);
export type Task = Static<typeof Task>;

/** A task with what belongs to it. */
export const TaskDetail = Type.Object(
  {
    ...Task.properties,
    dependsOn: Type.Array(Type.Object({ id: Type.String(), status: TaskStatus })),
    failedAttempts: Type.Array(Attempt),
    budget: Nullable(BudgetState),
  },
  { $id: "TaskDetail" },
);
export type TaskDetail = Static<typeof TaskDetail>;

/** How a task ended, for whoever waited for it. */
export const TaskResult = Type.Object(
  {
    id: Type.String(),
    status: Type.Enum(["completed", "failed", "cancelled"]),
    output: Type.Unknown(),
    error: Nullable(TaskError),
  },
  { $id: "TaskResult" },
);
export type TaskResult = Static<typeof TaskResult>;

/** What a cancel stopped. */
export const CancelReport = Type.Object(
  {
    cancelled: Type.Array(Type.String(), { description: "Tasks that were cancelled, sub-tasks included." }),
    stopped: Type.Array(Type.Object({ taskId: Type.String(), agent: Type.String() }), {
      description: "Agents that were at work on one of them and were told to stop.",
    }),
  },
  { $id: "CancelReport" },
);
export type CancelReport = Static<typeof CancelReport>;

/** Why a task is where it is, in words. */
export const Explanation = Type.Object(
  {
    taskId: Type.String(),
    status: TaskStatus,
    summary: Type.String({ description: "One sentence." }),
    reasons: Type.Array(Type.String(), { description: "The facts behind it, most important first." }),
    nextSteps: Type.Array(Type.String(), { description: "What to do about it." }),
  },
  { $id: "Explanation" },
);
export type Explanation = Static<typeof Explanation>;

/** Tasks that wait for ever, and why. */
export const Deadlock = Type.Object(
  {
    kind: Type.Enum(["cycle", "lost_dependency", "slots", "no_agent"]),
    taskIds: Type.Array(Type.String(), { description: "For a cycle, in the order of waiting." }),
    reason: Type.String(),
  },
  { $id: "Deadlock" },
);
export type Deadlock = Static<typeof Deadlock>;
