import type { TaskContext } from "@muster/sdk";
import type { Model } from "../llm/model.ts";
import type { Hearing } from "../together/mailbox.ts";
import type { Toolbox } from "../tools/tool.ts";
import type { JudgeAnswer } from "./check-answer.ts";
import type { LoopHooks } from "./loop-hooks.ts";
import type { LoopLimits } from "./loop-limits.ts";

/** What one loop works with. */
export interface LoopSettings {
  model: Model;
  /** What `model` is asked for: a model or an alias. */
  modelName: string;
  system: string;
  /** The first word of the conversation. */
  task: string;
  toolbox: Toolbox;
  judge: JudgeAnswer;
  outputSchema?: Record<string, unknown>;
  limits: LoopLimits;
  maxOutputTokens: number;
  temperature?: number;
  /** How much the model takes, where its price table does not say. */
  contextTokens: number;
  /** Names the loop's entries in the journal of the task: two loops of one task need two. */
  name: string;
  now: () => number;
  /** What other agents write meanwhile. */
  hearing?: Hearing;
  /** What a project has done around it. */
  hooks?: LoopHooks | undefined;
  onText?: (text: StreamedText) => void;
  /** A turn's text is whole, or will never be. */
  onTurnEnd?: () => void;
}

/** A piece of an answer as it comes. */
export interface StreamedText {
  taskId: string;
  /** Counted from 1; summaries have none. */
  turn: number;
  delta: string;
  /** What was streamed of this turn before is void: the call is made anew. */
  isRestart: boolean;
}

/** What the loop needs of a task's context. */
export type LoopContext = Pick<
  TaskContext,
  "taskId" | "attempt" | "signal" | "step" | "withinBudget" | "artifacts" | "log"
>;
