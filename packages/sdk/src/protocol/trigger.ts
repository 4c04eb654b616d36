import Type, { type Static } from "typebox";
import { EventType } from "./event.ts";
import { limits } from "./limits.ts";
import { TaskSubmission } from "./task.ts";

export const TriggerStatus = Type.Enum(["active", "paused"], { $id: "TriggerStatus" });
export type TriggerStatus = Static<typeof TriggerStatus>;

const Scalar = Type.Union([Type.String({ maxLength: limits.textLength }), Type.Number(), Type.Boolean()]);

/** What a place in an event must be: this value, one of these, or a text that begins so. */
export const TriggerCondition = Type.Union(
  [
    Scalar,
    Type.Array(Scalar, { minItems: 1, maxItems: limits.triggerValues }),
    Type.Object(
      { prefix: Type.String({ minLength: 1, maxLength: limits.textLength }) },
      { additionalProperties: false },
    ),
  ],
  { $id: "TriggerCondition" },
);
export type TriggerCondition = Static<typeof TriggerCondition>;

/** Which events count. All that is said must hold. */
export const TriggerOn = Type.Object(
  {
    types: Type.Array(EventType, { minItems: 1, maxItems: limits.triggerValues, uniqueItems: true }),
    capability: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.nameLength,
        description: "Of the task that the event is about, or that the event names itself.",
      }),
    ),
    where: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^(taskId|runId|agentId|data(\\.[A-Za-z0-9_-]{1,120}){1,8})$" }),
        TriggerCondition,
        {
          maxProperties: limits.triggerValues,
          additionalProperties: false,
          description: "Conditions on places in the event, such as `data.path`.",
        },
      ),
    ),
  },
  { $id: "TriggerOn", additionalProperties: false },
);
export type TriggerOn = Static<typeof TriggerOn>;

const TriggeredRun = Type.Object(
  {
    workflow: Type.Unknown({ description: "The workflow document, which is kept with the trigger." }),
    inputs: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { additionalProperties: false },
);

/** The request that makes a trigger: on which events it starts one of `task` and `run`. */
export const TriggerRequest = Type.Object(
  {
    name: Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$",
      description: "What it is called; a tenant has each name once.",
    }),
    on: TriggerOn,
    eventAs: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z][A-Za-z0-9_]{0,63}$",
        description: "The member of the task's input, or the input of the workflow, that the event becomes.",
      }),
    ),
    maxPerMinute: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.triggerStartsPerMinute,
        default: 60,
        description: "Events beyond it wait for the next minute.",
      }),
    ),
    maxDepth: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.triggerDepth,
        default: 4,
        description:
          "How many triggers may follow from each other; events of work deeper than that are left out.",
      }),
    ),
    paused: Type.Optional(Type.Boolean({ description: "Begins only when it is resumed." })),
    task: Type.Optional(TaskSubmission),
    run: Type.Optional(TriggeredRun),
  },
  { $id: "TriggerRequest", additionalProperties: false },
);
export type TriggerRequest = Static<typeof TriggerRequest>;

const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

/** Work that is handed in when an event happens. */
export const Trigger = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    name: Type.String(),
    tenant: Type.String(),
    status: TriggerStatus,
    on: TriggerOn,
    eventAs: orNull(Type.String()),
    maxPerMinute: Type.Integer(),
    maxDepth: Type.Integer(),
    starts: Type.Enum(["task", "run"]),
    what: Type.String({ description: "The capability or agent of the task, or the name of the workflow." }),
    position: Type.Integer({ description: "Events up to this number were considered." }),
    heldUntil: orNull(
      Type.String({ format: "date-time", description: "It had started as much as it may in a minute." }),
    ),
    lastAt: orNull(Type.String({ format: "date-time", description: "When it last started work." })),
    lastEvent: orNull(Type.Integer({ description: "The event for which it did." })),
    lastId: orNull(Type.String({ description: "The task or run that was started then." })),
    started: Type.Integer({ description: "How often it has started work." }),
    skipped: Type.Integer({ description: "How many events were left out." }),
    createdAt: Type.String({ format: "date-time" }),
  },
  { $id: "Trigger" },
);
export type Trigger = Static<typeof Trigger>;

/** A trigger with what it starts. */
export const TriggerDetail = Type.Object(
  { ...Trigger.properties, task: Type.Optional(Type.Unknown()), run: Type.Optional(Type.Unknown()) },
  { $id: "TriggerDetail" },
);
export type TriggerDetail = Static<typeof TriggerDetail>;
