import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";
import { TaskSubmission } from "./task.ts";

/** What becomes of times at which no node was there to act. */
export const MissedPolicy = Type.Enum(["skip", "run-once", "run-all"], { $id: "MissedPolicy" });
export type MissedPolicy = Static<typeof MissedPolicy>;

/** What becomes of a time at which the work of the last one has not ended. */
export const OverlapPolicy = Type.Enum(["allow", "skip", "queue"], { $id: "OverlapPolicy" });
export type OverlapPolicy = Static<typeof OverlapPolicy>;

export const ScheduleStatus = Type.Enum(["active", "paused", "ended"], { $id: "ScheduleStatus" });
export type ScheduleStatus = Static<typeof ScheduleStatus>;

const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const ScheduledRun = Type.Object(
  {
    workflow: Type.Unknown({ description: "The workflow document, which is kept with the schedule." }),
    inputs: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { additionalProperties: false },
);

/** The request that makes a schedule: one of `cron` and `at`, and one of `task` and `run`. */
export const ScheduleRequest = Type.Object(
  {
    name: Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$",
      description: "What it is called; a tenant has each name once.",
    }),
    cron: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.cronLength,
        description:
          "Minute, hour, day of month, month and day of week; or @hourly, @daily, @weekly, @monthly, @yearly.",
      }),
    ),
    at: Type.Optional(Type.String({ format: "date-time", description: "Once, at this time." })),
    timezone: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, default: "UTC", description: "Such as Europe/Berlin." }),
    ),
    missed: Type.Optional(MissedPolicy),
    overlap: Type.Optional(OverlapPolicy),
    paused: Type.Optional(Type.Boolean({ description: "Begins only when it is resumed." })),
    task: Type.Optional(TaskSubmission),
    run: Type.Optional(ScheduledRun),
  },
  { $id: "ScheduleRequest", additionalProperties: false },
);
export type ScheduleRequest = Static<typeof ScheduleRequest>;

/** Work that is handed in at certain times. */
export const Schedule = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    name: Type.String(),
    tenant: Type.String(),
    status: ScheduleStatus,
    cron: orNull(Type.String()),
    at: orNull(Type.String({ format: "date-time" })),
    timezone: Type.String(),
    missed: MissedPolicy,
    overlap: OverlapPolicy,
    starts: Type.Enum(["task", "run"]),
    what: Type.String({ description: "The capability or agent of the task, or the name of the workflow." }),
    nextAt: orNull(Type.String({ format: "date-time" })),
    lastAt: orNull(
      Type.String({ format: "date-time", description: "The time for which it last started work." }),
    ),
    lastId: orNull(Type.String({ description: "The task or run that was started then." })),
    queued: Type.Integer({ description: "Times whose work waits for the end of the one before." }),
    started: Type.Integer({ description: "How often it has started work." }),
    skipped: Type.Integer({ description: "How many times were left out." }),
    createdAt: Type.String({ format: "date-time" }),
  },
  { $id: "Schedule" },
);
export type Schedule = Static<typeof Schedule>;

/** A schedule with what it starts, and its next times. */
export const ScheduleDetail = Type.Object(
  {
    ...Schedule.properties,
    upcoming: Type.Array(Type.String({ format: "date-time" }), {
      description: "Its next times, five at most.",
    }),
    task: Type.Optional(Type.Unknown()),
    run: Type.Optional(Type.Unknown()),
  },
  { $id: "ScheduleDetail" },
);
export type ScheduleDetail = Static<typeof ScheduleDetail>;

/** What a schedule started by hand. */
export const ScheduleStarted = Type.Object(
  {
    schedule: Type.String({ format: "uuid" }),
    starts: Type.Enum(["task", "run"]),
    id: Type.String({ format: "uuid" }),
  },
  { $id: "ScheduleStarted" },
);
export type ScheduleStarted = Static<typeof ScheduleStarted>;
