import Type, { type Static } from "typebox";
import { leaseProof as Lease } from "./lease.ts";
import { limits } from "./limits.ts";

const Turn = Type.Integer({
  minimum: 0,
  maximum: 1_000_000,
  description: "Which answer of the agent it belongs to. A higher number begins a new text.",
});
const IsRestart = Type.Boolean({
  description: "What came of this turn before is void: the answer is made anew.",
});
const Missed = Type.Integer({
  minimum: 0,
  description:
    "Characters before this text that were left out, since somebody on the way was too slow for them.",
});

/**
 * A piece of what an agent says while it works on a task. It is shown to whoever watches at that moment and kept nowhere:
 * what counts is the task's result.
 */
export const TextDelta = Type.Object(
  {
    taskId: Type.String(),
    runId: Type.Union([Type.String(), Type.Null()]),
    agentId: Type.String(),
    turn: Turn,
    text: Type.String(),
    isRestart: IsRestart,
    missed: Missed,
  },
  { $id: "TextDelta" },
);
export type TextDelta = Static<typeof TextDelta>;

export const streamOperation = {
  request: Type.Object(
    {
      ...Lease,
      turn: Turn,
      text: Type.String({
        maxLength: limits.streamedText,
        description: "What was said since the last time; empty to ask whether anybody watches.",
      }),
      isRestart: Type.Optional(IsRestart),
      missed: Type.Optional(Missed),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({
    watched: Type.Boolean({
      description: "Where nobody watches, nothing needs to be sent; ask again now and then.",
    }),
  }),
};
