import type { ModelTurn, ModelUsage } from "../llm/model.ts";
import type { ToolOutcome } from "../tools/tool.ts";
import type { CallHooks } from "./loop-hooks.ts";

/*
 * What the journal of a task keeps of the loop. These outlive the version of this package that wrote them: fields are
 * added, never given another meaning.
 */

/**
 * How a call is treated when it is not known whether it was made. `parallel`: it is made again, beside others.
 * `repeatable`: it is made again. `once`: it is not, and the model is told so. `refused` and `too-deep`: it never is.
 * The mode is that of the tool when the model called it, whatever it is said to be later.
 */
export type CallMode = "parallel" | "repeatable" | "once" | "refused" | "too-deep";

/** A call of a tool as the journal keeps it. */
export interface RecordedCall {
  /** Unique among all tasks, the same in every attempt: what a tool may use as the key of its effect. */
  id: string;
  /** What the model calls it in its own conversation. */
  ref: string;
  name: string;
  input: unknown;
  mode: CallMode;
  /** On which sides hooks are to be asked, whatever there is of them later. */
  hooks?: CallHooks;
}

interface Counted {
  /** When the loop began, in milliseconds since 1970. */
  startedAt: number;
  usage: ModelUsage;
  costMicros: number | null;
  provider: string;
  model: string;
}

/** One answer of the model. */
export interface TurnEntry extends Counted {
  kind: "turn";
  text: string;
  calls: RecordedCall[];
  finish: ModelTurn["finish"];
  continuation?: unknown;
  /** What other agents had written, as the model was told before it answered. */
  heard?: string;
  /** What hooks said at the start, as the model was told before it answered. */
  told?: string;
  /** Hooks are to be asked whether this answer may be the last. */
  mayBeHeld?: true;
}

/** The older part of the conversation in few words, where all of it would have been too much. */
export interface SummaryEntry extends Counted {
  kind: "summary";
  text: string;
  /** How many of the newest messages stay as they are. */
  kept: number;
}

export type LoopEntry = TurnEntry | SummaryEntry;

/** What a call came to. */
export type ResultEntry = Required<ToolOutcome> & {
  /** Nobody knows whether the call was made. */
  isUnknown?: true;
  /** It was not admitted, so it was not made. */
  isRefused?: true;
};
