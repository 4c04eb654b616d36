import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";
import { Name } from "./name.ts";

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Share = (description: string) => Type.Integer({ minimum: 0, maximum: 100, description });

/** Agents of one side of a rollout: all that fit what is said. */
export const SideSelector = Type.Object(
  {
    version: Type.Optional(Name),
    name: Type.Optional(Name),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: "By the version that agents register with, by their name, or both.",
  },
);
export type SideSelector = Static<typeof SideSelector>;

/** One step: how the tasks are shared out, and when the next step follows by itself. */
export const RolloutStep = Type.Object(
  {
    candidate: Share("Per cent of the keys whose tasks go to the candidate."),
    baseline: Type.Optional(Share("The rest; may be left out. With the candidate it must make 100.")),
    shadow: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        description:
          "Per cent of the keys whose completed tasks the candidate does once more, for comparison.",
      }),
    ),
    promoteAfter: Type.Optional(
      Type.Object(
        {
          successes: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: limits.rolloutSamples,
              description: "Tasks that the candidate completed in this step.",
            }),
          ),
          durationMs: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: limits.durationMs,
              description: "Time since the step began.",
            }),
          ),
        },
        {
          additionalProperties: false,
          minProperties: 1,
          description: "Without it somebody has to promote by hand; with both, both must be reached.",
        },
      ),
    ),
  },
  { $id: "RolloutStep", additionalProperties: false },
);
export type RolloutStep = Static<typeof RolloutStep>;

/** What ends a rollout by itself. */
export const RollbackPolicy = Type.Object(
  {
    errorRate: Type.Optional(
      Nullable(
        Type.Number({
          minimum: 0,
          maximum: 1,
          default: 0.05,
          description:
            "How far the candidate's share of failed attempts may be above the baseline's; null: any.",
        }),
      ),
    ),
    latencyRatio: Type.Optional(
      Nullable(
        Type.Number({
          minimum: 1,
          maximum: 1_000,
          description: "How many times as long as the baseline the candidate may take; left out: any.",
        }),
      ),
    ),
    latencyMeasure: Type.Optional(Type.Enum(["p95", "mean"], { default: "p95" })),
    differenceRate: Type.Optional(
      Nullable(
        Type.Number({
          minimum: 0,
          maximum: 1,
          description: "Share of compared tasks whose results may differ; left out: any.",
        }),
      ),
    ),
    minSamples: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.rolloutSamples,
        default: 20,
        description: "Attempts of the candidate in a step before any of this is judged.",
      }),
    ),
  },
  { $id: "RollbackPolicy", additionalProperties: false },
);
export type RollbackPolicy = Static<typeof RollbackPolicy>;

export const WhenAway = Type.Enum(["baseline", "wait"], {
  $id: "WhenAway",
  description: "Where tasks of the candidate go while no healthy candidate is there.",
});
export type WhenAway = Static<typeof WhenAway>;

/** The request that starts a rollout. */
export const RolloutStart = Type.Object(
  {
    capability: Name,
    tenant: Type.Optional(
      Type.String({
        maxLength: limits.nameLength,
        pattern: "^(\\*|[A-Za-z0-9][A-Za-z0-9._:/-]*)$",
        description: "Whose tasks; those of the asking key where it is left out, `*` for everybody's.",
      }),
    ),
    candidate: SideSelector,
    baseline: Type.Optional(SideSelector),
    steps: Type.Optional(
      Type.Array(RolloutStep, {
        minItems: 1,
        maxItems: limits.rolloutSteps,
        description:
          "With growing shares of the candidate. By default 10, 50 and 100 per cent, promoted by hand.",
      }),
    ),
    rollback: Type.Optional(RollbackPolicy),
    comparison: Type.Optional(
      Type.Union([Name], {
        description:
          "A capability that compares two results. It gets `{input, baseline, candidate}` and answers `{equal, note?}`. " +
          "By default results are equal if their JSON is.",
      }),
    ),
    shadowTasks: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.rolloutSamples,
        default: 1_000,
        description: "The shadow's own budget: tasks that are done once more, over the whole rollout.",
      }),
    ),
    whenAway: Type.Optional(WhenAway),
  },
  { $id: "RolloutStart", additionalProperties: false },
);
export type RolloutStart = Static<typeof RolloutStart>;

export const defaultRolloutSteps: RolloutStep[] = [{ candidate: 10 }, { candidate: 50 }, { candidate: 100 }];
export const defaultShadowTasks = 1_000;
export const defaultRollback = {
  errorRate: 0.05,
  latencyRatio: null,
  latencyMeasure: "p95",
  differenceRate: null,
  minSamples: 20,
} as const;

export const RolloutStatus = Type.Enum(["running", "promoted", "rolled_back", "aborted"], {
  $id: "RolloutStatus",
});
export type RolloutStatus = Static<typeof RolloutStatus>;

export const isFinalRollout = (status: RolloutStatus): boolean => status !== "running";

export interface RolloutFilter {
  capability?: string;
  status?: RolloutStatus;
  limit?: number;
  before?: string;
}

export const RolloutCause = Type.Object(
  { code: Type.String(), message: Type.String(), by: Nullable(Type.String()) },
  { $id: "RolloutCause", description: "Why it ended. `by`: the key, where somebody ended it." },
);
export type RolloutCause = Static<typeof RolloutCause>;

export const Rollout = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    capability: Type.String(),
    tenant: Type.String(),
    status: RolloutStatus,
    holds: Type.Boolean({
      description:
        "Whether it says who gets tasks. One that ended does so until it is cleared or another starts.",
    }),
    candidate: SideSelector,
    baseline: Nullable(SideSelector),
    steps: Type.Array(RolloutStep),
    step: Type.Integer({ description: "The step that it is in, or ended in, from 0." }),
    weights: Type.Object({ baseline: Type.Integer(), candidate: Type.Integer() }),
    rollback: Type.Object({
      errorRate: Nullable(Type.Number()),
      latencyRatio: Nullable(Type.Number()),
      latencyMeasure: Type.Enum(["p95", "mean"]),
      differenceRate: Nullable(Type.Number()),
      minSamples: Type.Integer(),
    }),
    comparison: Nullable(Type.String()),
    shadowTasks: Type.Integer(),
    whenAway: WhenAway,
    cause: Nullable(RolloutCause),
    startedBy: Type.String(),
    createdAt: Time,
    stepStartedAt: Time,
    endedAt: Nullable(Time),
  },
  { $id: "Rollout" },
);
export type Rollout = Static<typeof Rollout>;

/** What came of the attempts of one side. Failures that are not the agent's fault are left out. */
export const SideOutcomes = Type.Object(
  {
    completed: Type.Integer(),
    failed: Type.Integer(),
    errorRate: Nullable(Type.Number()),
    meanMs: Nullable(Type.Number()),
    p95Ms: Nullable(Type.Number()),
  },
  { $id: "SideOutcomes" },
);
export type SideOutcomes = Static<typeof SideOutcomes>;

export const RolloutDifference = Type.Object(
  {
    taskId: Type.String({ description: "The task whose result counts." }),
    shadowTaskId: Type.String(),
    path: Type.String({ description: "JSON Pointer to the first place where they differ." }),
    baseline: Type.String({ description: "The JSON there, cut off where it is long." }),
    candidate: Type.String(),
    note: Nullable(Type.String({ description: "What the comparison capability said." })),
  },
  { $id: "RolloutDifference" },
);
export type RolloutDifference = Static<typeof RolloutDifference>;

/** A rollout with what it has shown. */
export const RolloutDetail = Type.Object(
  {
    ...Rollout.properties,
    outcomes: Type.Object(
      { baseline: SideOutcomes, candidate: SideOutcomes, shadow: SideOutcomes },
      { description: "Of the present step; of the last one where it has ended." },
    ),
    comparisons: Type.Object({
      open: Type.Integer({ description: "Copies that are not compared yet." }),
      equal: Type.Integer(),
      different: Type.Integer(),
      failed: Type.Integer({ description: "The candidate, or the comparison, gave no result." }),
      differences: Type.Array(RolloutDifference, { description: "The newest ones." }),
    }),
  },
  { $id: "RolloutDetail" },
);
export type RolloutDetail = Static<typeof RolloutDetail>;
