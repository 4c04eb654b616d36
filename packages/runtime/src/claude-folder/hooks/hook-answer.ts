import type { HookVerdict } from "../../agent-loop/loop-hooks.ts";
import { cutText } from "../../tools/cut-text.ts";
import type { ShellExit } from "../../tools/shell/shell.ts";
import type { ClaudeHook, HookEvent } from "./claude-hook.ts";

/** What one hook came to. */
export interface HookAnswer extends HookVerdict {
  /** What is wrong with the hook itself, for the log. */
  fault?: string;
  /** What it has to say to people. */
  note?: string;
}

/** Characters of a reason, a context or a note; the middle of what is longer is left out. */
const mostChars = 10_000;
/** Levels of an input that a hook gives; an entry of the journal has some more around it. */
const mostLevels = 40;

/** Where an exit with 2 refuses, or complains of what is done already. */
const refusable: ReadonlySet<HookEvent> = new Set<HookEvent>([
  "PreToolUse",
  "PostToolUse",
  "PostToolUseFailure",
  "UserPromptSubmit",
  "Stop",
  "SubagentStop",
]);
/** Where something is not done yet, and a hook that fails may say that it is not to be. */
const preventable: ReadonlySet<HookEvent> = new Set<HookEvent>(["PreToolUse", "UserPromptSubmit"]);
/** Where plain text is for the model. */
const speaks: ReadonlySet<HookEvent> = new Set<HookEvent>(["SessionStart", "UserPromptSubmit"]);
/** Where the whole task can be ended. */
const haltable: ReadonlySet<HookEvent> = new Set<HookEvent>([...refusable, "SessionStart", "SubagentStart"]);

/** Reads how a hook ended and what it printed, as Claude Code documents it. Never throws. */
export function readHookAnswer(
  { event, blocksOnFailure }: Pick<ClaudeHook, "event" | "blocksOnFailure">,
  exit: ShellExit,
): HookAnswer {
  const answer = answerOf(event, exit);
  if (answer.fault === undefined || !blocksOnFailure || !preventable.has(event)) return answer;
  return { ...answer, refusal: `a hook that has to succeed failed: ${answer.fault}` };
}

function answerOf(event: HookEvent, { output, errors, code, signal, endedBy }: ShellExit): HookAnswer {
  const complaint = clip(errors);
  if (endedBy !== null) return { fault: endedBy };
  if (code === null) return { fault: `It was ended by ${signal}.` };
  if (code === 2) {
    if (refusable.has(event)) return { refusal: complaint === "" ? "it gives no reason" : complaint };
    return { fault: `It ended with 2, and ${event} can't be refused: ${complaint}` };
  }
  if (code !== 0) return { fault: `It ended with ${code}${complaint === "" ? "." : `: ${complaint}`}` };
  const said = output.trim();
  if (!said.startsWith("{")) return said !== "" && speaks.has(event) ? { context: clip(said) } : {};
  const json = parse(said);
  return json === undefined ? { fault: "It printed JSON that does not parse." } : objectAnswer(event, json);
}

function objectAnswer(event: HookEvent, json: Record<string, unknown>): HookAnswer {
  const note = textOf(json.systemMessage);
  const noted = note === undefined ? {} : { note };
  if (json.continue === false && haltable.has(event))
    return { halt: textOf(json.stopReason) ?? "it gives no reason", ...noted };
  const specific = isObject(json.hookSpecificOutput) ? json.hookSpecificOutput : {};
  const { hookEventName } = specific;
  if (hookEventName !== undefined && hookEventName !== event && !isSameEnd(event, hookEventName))
    return {
      fault: `It answers for ${JSON.stringify(hookEventName)?.slice(0, 60)}, not ${event}.`,
      ...noted,
    };
  const context = textOf(specific.additionalContext);
  const spoken = context === undefined ? {} : { context };
  if (event === "PreToolUse") return { ...beforeCall(json, specific), ...spoken, ...noted };
  const refusal = json.decision === "block" && refusable.has(event) ? reasonOf(json.reason) : undefined;
  return { ...(refusal === undefined ? {} : { refusal }), ...spoken, ...noted };
}

/** The end of an agent that a file says is both, and so are their answers. */
const isSameEnd = (event: HookEvent, said: unknown): boolean => event === "SubagentStop" && said === "Stop";

/** `allow` says nothing: what else stands in the way of a call stays there. */
function beforeCall(json: Record<string, unknown>, specific: Record<string, unknown>): HookAnswer {
  const older = json.decision === "block" ? "deny" : json.decision === "approve" ? "allow" : undefined;
  const decision = specific.permissionDecision ?? older ?? "allow";
  const reason = reasonOf(specific.permissionDecisionReason ?? json.reason);
  if (decision === "deny") return { refusal: reason };
  const changed = changedInput(specific.updatedInput);
  if (decision === "allow") return changed;
  // Whatever else it says, it does not want the call made just so.
  return { ...changed, ask: `A hook of the project wants that: ${reason}` };
}

function changedInput(value: unknown): HookAnswer {
  if (value === undefined || value === null) return {};
  if (!isObject(value) || !isShallow(value, mostLevels))
    return { refusal: "it gives an input that is no object, or is nested too deeply" };
  return { input: { value } };
}

const reasonOf = (value: unknown): string => textOf(value) ?? "it gives no reason";

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? clip(value) : undefined;

const clip = (text: string): string => cutText(text.trim(), mostChars);

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isShallow = (value: unknown, levels: number): boolean =>
  typeof value !== "object" ||
  value === null ||
  (levels > 0 && Object.values(value).every((one) => isShallow(one, levels - 1)));
