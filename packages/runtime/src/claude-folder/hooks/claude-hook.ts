import { createHash } from "node:crypto";
import { canonical } from "../../approvals/canonical.ts";

/** What a file of `.claude` wants run, as it says it. */
export interface ClaudeHook {
  event: HookEvent;
  /** What it is for, by the kind of its event; null: everything. */
  matcher: string | null;
  /** A line for bash. */
  command: string;
  timeoutMs: number;
  /** A failure of it refuses as well. */
  blocksOnFailure: boolean;
  /** Where it stands in its file, counted from 1; null: not known. */
  line: number | null;
}

/** The hooks of one file, for all agents of the folder or for the one that brings them. */
export interface HookSource {
  /** Absolute path of the file, wherever links lead. */
  file: string;
  /** From `root`, for people. */
  path: string;
  /** The folder that its `.claude` lies in: what hooks know as `CLAUDE_PROJECT_DIR`. */
  root: string;
  agent: string | null;
  hooks: readonly ClaudeHook[];
}

/** Events that Muster has, with what their matchers are compared with. */
export const hookEvents = {
  PreToolUse: "tool",
  PostToolUse: "tool",
  PostToolUseFailure: "tool",
  SessionStart: "source",
  SubagentStart: "agent",
  UserPromptSubmit: null,
  Stop: null,
  SubagentStop: "agent",
  PreCompact: "trigger",
  Notification: "notification",
} as const;
export type HookEvent = keyof typeof hookEvents;

/** What of a hook decides when it runs and what it does; where it stands does not. */
const essenceOf = ({ event, matcher, command, timeoutMs, blocksOnFailure }: ClaudeHook) => ({
  event,
  matcher,
  command,
  timeoutMs,
  blocksOnFailure,
});

const keyLength = 12;

/** What a hook is called by, since it has no name: it stays the same while its entry does. */
export const keyOfHook = (hook: ClaudeHook): string =>
  createHash("sha256")
    .update(canonical(essenceOf(hook)))
    .digest("hex")
    .slice(0, keyLength);

/** Changes with the entry, and with the content of the files that its command names as programs. */
export const digestOfHook = (hook: ClaudeHook, files: readonly { path: string; sha256: string }[]): string =>
  createHash("sha256")
    .update(canonical({ ...essenceOf(hook), files: files.map(({ path, sha256 }) => ({ path, sha256 })) }))
    .digest("hex");

/** As people read it: `PreToolUse(Bash)`. */
export const describeHook = ({ event, matcher }: ClaudeHook): string =>
  matcher === null ? event : `${event}(${matcher})`;
