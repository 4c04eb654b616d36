import type { ToolCall } from "../llm/model.ts";
import type { ToolOutcome } from "../tools/tool.ts";

/** A moment of the loop at which a project may have something done. */
export type HookMoment =
  | { event: "SessionStart" | "SubagentStart" | "PreCompact" }
  | { event: "UserPromptSubmit"; prompt: string }
  /** A person is asked something, and what they say is waited for. */
  | { event: "Notification"; message: string }
  | { event: "PreToolUse"; call: ToolCall }
  | { event: "PostToolUse" | "PostToolUseFailure"; call: ToolCall; outcome: ToolOutcome }
  /** `isActive`: the loop goes on only because a hook held it back before. */
  | { event: "Stop" | "SubagentStop"; isActive: boolean; text: string };

/** What all hooks of a moment come to. It is JSON, and what is not said is not there. */
export interface HookVerdict {
  /** What was about to be done is not done; of what is done already, what is wrong about it. */
  refusal?: string;
  /** A person is asked before a call is made: why. */
  ask?: string;
  /** A call is made with this input instead. */
  input?: { value: unknown };
  /** For the model. */
  context?: string;
  /** The whole task ends here: why. */
  halt?: string;
}

/** What a project has done at moments of the loop. How it does that, and whether it may, is not the loop's. */
export interface LoopHooks {
  /** Whether there is anything to do at such a moment, as things stand now; `tool` is that of a call. */
  wants(event: HookMoment["event"], tool?: string): Promise<boolean>;
  /** Rejects only with the reason of an abort. */
  run(moment: HookMoment, signal: AbortSignal): Promise<HookVerdict>;
}

/** On which sides a call has hooks, as it was when the model called. */
export interface CallHooks {
  before?: true;
  after?: true;
}
