import Type, { type Static } from "typebox";
import { Budget, BudgetState } from "./budget.ts";
import { Task } from "./task.ts";

/** `paused`: its budget was reached, and it goes on when somebody resumes it. */
export const RunStatus = Type.Enum(["running", "paused", "completed", "failed", "cancelled"], {
  $id: "RunStatus",
});
export type RunStatus = Static<typeof RunStatus>;

export const StepStatus = Type.Enum(["pending", "running", "completed", "failed", "skipped", "cancelled"], {
  $id: "StepStatus",
});
export type StepStatus = Static<typeof StepStatus>;

/** One execution of a step: one task, or many where it fans out. */
export const RunStep = Type.Object(
  {
    name: Type.String(),
    status: StepStatus,
    capability: Type.Union([Type.String(), Type.Null()]),
    tasks: Type.Object({
      total: Type.Integer(),
      completed: Type.Integer(),
      failed: Type.Integer({ description: "Failed or cancelled." }),
    }),
    reason: Type.Union([Type.String(), Type.Null()], { description: "Why it was skipped or failed." }),
  },
  { $id: "RunStep" },
);
export type RunStep = Static<typeof RunStep>;

export const Run = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    workflow: Type.String({ description: "Name of the workflow." }),
    status: RunStatus,
    tenant: Type.String(),
    inputs: Type.Unknown(),
    output: Type.Unknown(),
    error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
    steps: Type.Array(RunStep),
    budget: Type.Union([BudgetState, Type.Null()]),
    createdAt: Type.String({ format: "date-time" }),
    finishedAt: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
  },
  { $id: "Run" },
);
export type Run = Static<typeof Run>;

/** A run with its tasks, as `muster run --json` prints it. */
export const RunDetail = Type.Object({ ...Run.properties, tasks: Type.Array(Task) }, { $id: "RunDetail" });
export type RunDetail = Static<typeof RunDetail>;

/** The request that starts a run: a workflow as its file says it, and the inputs. */
export const RunStart = Type.Object(
  {
    workflow: Type.Unknown({ description: "The workflow document; see the published JSON Schema." }),
    inputs: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    budget: Type.Optional(Budget),
    idempotencyKey: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  },
  { $id: "RunStart", additionalProperties: false },
);
export type RunStart = Static<typeof RunStart>;
