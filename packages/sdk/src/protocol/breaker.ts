import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";

export const BreakerState = Type.Enum(["closed", "open", "half_open"], {
  $id: "BreakerState",
  description: "`closed`: it gets work. `open`: it gets none. `half_open`: it gets one task, as a probe.",
});
export type BreakerState = Static<typeof BreakerState>;

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });

/** The circuit breaker of one agent. */
export const Breaker = Type.Object(
  {
    agentId: Type.String(),
    agent: Type.String({ description: "Name of the agent." }),
    state: BreakerState,
    failures: Type.Integer({ description: "Failures in a row, as far as they count." }),
    timeouts: Type.Integer({ description: "Time-outs since the last success that count as no failure." }),
    openings: Type.Integer({ description: "How often it opened since it was last closed." }),
    changedAt: Nullable(Time),
    retryAt: Nullable({
      ...Time,
      description: "Open: when one task probes it; null where it stays open until somebody closes it.",
    }),
    probing: Type.Boolean({ description: "Half-open: its probe is under way." }),
    cause: Nullable(
      Type.Enum(["failures", "rate", "timeouts", "probe", "operator"], {
        description:
          "Why it is not closed: failures in a row, their rate, time-outs, a failed probe, or somebody opened it.",
      }),
    ),
    by: Nullable(Type.String({ description: "Who opened or closed it by hand." })),
    reason: Nullable(Type.String({ description: "What they said." })),
  },
  { $id: "Breaker" },
);
export type Breaker = Static<typeof Breaker>;

const Reason = (description: string) =>
  Type.String({ minLength: 1, maxLength: limits.reasonLength, pattern: "\\S", description });

export const BreakerOpening = Type.Object(
  {
    reason: Reason("Why, for whoever sees it."),
    forMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.durationMs,
        description:
          "One task probes the agent after this long; without it, it stays open until it is closed.",
      }),
    ),
  },
  { $id: "BreakerOpening", additionalProperties: false },
);
export type BreakerOpening = Static<typeof BreakerOpening>;

export const BreakerClosing = Type.Object(
  { reason: Type.Optional(Reason("Why, for whoever sees it.")) },
  { $id: "BreakerClosing", additionalProperties: false },
);
export type BreakerClosing = Static<typeof BreakerClosing>;
