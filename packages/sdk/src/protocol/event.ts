import Type, { type Static } from "typebox";

/** Everything that can happen. */
export const eventTypes = [
  "task.submitted",
  "task.ready",
  "task.started",
  "task.waiting",
  "task.progress",
  "task.log",
  "task.retrying",
  "task.completed",
  "task.failed",
  "task.cancelled",
  "task.retried",
  "run.started",
  "run.step.started",
  "run.step.finished",
  "run.completed",
  "run.failed",
  "run.cancelled",
  "run.retried",
  "agent.registered",
  "agent.left",
  "agent.expired",
] as const;
export const EventType = Type.Enum([...eventTypes], { $id: "EventType" });
export type EventType = (typeof eventTypes)[number];

/** A fact that happened: numbered, kept, streamed. */
export const Event = Type.Object(
  {
    seq: Type.Integer({ description: "Grows with every event; pass it as `after` to go on from here." }),
    at: Type.String({ format: "date-time" }),
    type: EventType,
    taskId: Type.Union([Type.String(), Type.Null()]),
    runId: Type.Union([Type.String(), Type.Null()]),
    agentId: Type.Union([Type.String(), Type.Null()]),
    tenant: Type.String(),
    data: Type.Record(Type.String(), Type.Unknown()),
  },
  { $id: "Event" },
);
export type Event = Static<typeof Event>;
