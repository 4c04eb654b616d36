import type { ClaudeCodeView } from "./judge-claude-code.ts";
import type { RefusalCode } from "./read-agent.ts";

export type ClaudeFileKind = "agent" | "skill" | "command" | "mcp" | "settings";

/** What became of one file. Nothing is dropped without one. */
export interface ClaudeFileReport {
  /** From `root`, with `/`. */
  path: string;
  /** The absolute folder that `.claude` lies in. */
  root: string;
  scope: ClaudeScope;
  kind: ClaudeFileKind;
  /** What the file calls itself, once it is a name. */
  name: string | null;
  status: "loaded" | "repaired" | "not_loaded";
  /** What had to be put right, in sentences. */
  repairs: readonly string[];
  /** Why it is not loaded. */
  refusal: { code: RefusalCode; why: string } | null;
  /** What of it Claude Code has and Muster has not, in sentences. */
  unsupported: readonly string[];
  /** What it asks for that reading it does not grant. */
  needsConsent: readonly string[];
  /** What Claude Code itself does with it. */
  claudeCode: ClaudeCodeView;
}

export type ClaudeScope = "project" | "user";

/** A file that nobody meant to be loaded, or that another one stands before, is no mistake. */
export const isMistake = ({ refusal }: ClaudeFileReport): boolean =>
  refusal !== null && refusal.code !== "documentation" && refusal.code !== "overridden";
