import { claudeBounds } from "../bounds.ts";
import { type ClaudeHook, type HookEvent, hookEvents } from "./claude-hook.ts";

export interface HooksReading {
  hooks: ClaudeHook[];
  /** What is wrong, in sentences with the line. Such a hook is left out where nothing else is said. */
  problems: string[];
  /** What Claude Code has and Muster has not. */
  unsupported: string[];
}

export interface HooksPlace {
  /** Hooks of an agent: their `Stop` is the agent's own end, as Claude Code has it. */
  isAgent: boolean;
  /** The line of a value, counted from 1, by the way to it from `hooks`. */
  lineOf(way: readonly (string | number)[]): number | undefined;
}

const usualTimeoutMs = 60_000;
const mostTimeoutMs = 600_000;
/** What else Claude Code documents; the rest are words that it does not know either. */
const otherEvents: readonly string[] = [
  "ConfigChange",
  "CwdChanged",
  "Elicitation",
  "ElicitationResult",
  "FileChanged",
  "InstructionsLoaded",
  "PermissionDenied",
  "PermissionRequest",
  "PostCompact",
  "PostToolBatch",
  "SessionEnd",
  "Setup",
  "StopFailure",
  "TaskCompleted",
  "TaskCreated",
  "TeammateIdle",
  "UserPromptExpansion",
  "WorktreeCreate",
  "WorktreeRemove",
];
/** Keys that change neither when a hook runs nor what it does. */
const harmlessKeys: readonly string[] = ["comment", "description", "id", "name", "once", "statusMessage"];

type Way = readonly (string | number)[];

/**
 * Reads what stands under `hooks`. What is not understood for certain is not loaded, since it would run at the wrong time
 * or do something else, and is named. Never throws, and runs nothing.
 */
export function readHooks(value: unknown, place: HooksPlace): HooksReading {
  const reading: HooksReading = { hooks: [], problems: [], unsupported: [] };
  if (value === undefined || value === null) return reading;
  const reader = createReader(reading, place);
  if (!isObject(value)) {
    reader.problem([], "hooks is no map of events: no hook is loaded");
    return reading;
  }
  for (const [event, groups] of Object.entries(value)) readEvent(reader, event, groups);
  for (const list of [reading.problems, reading.unsupported]) list.splice(claudeBounds.repairsPerFile);
  return reading;
}

interface Reader extends HooksReading {
  isAgent: boolean;
  at(way: Way): number | undefined;
  problem(way: Way, what: string): void;
  lacks(way: Way, what: string): void;
}

function createReader(reading: HooksReading, { isAgent, lineOf }: HooksPlace): Reader {
  const place = (way: Way): string => {
    const line = lineOf(way);
    return line === undefined ? "" : `line ${line}: `;
  };
  return {
    ...reading,
    isAgent,
    at: lineOf,
    problem: (way, what) => reading.problems.push(`${place(way)}${what}`),
    lacks: (way, what) => reading.unsupported.push(`${place(way)}${what}`),
  };
}

function readEvent(reader: Reader, name: string, groups: unknown): void {
  const called = JSON.stringify(name.slice(0, 60));
  if (!Object.hasOwn(hookEvents, name)) {
    if (otherEvents.includes(name)) reader.lacks([name], `Muster has no event ${name}: its hooks never run`);
    else reader.problem([name], `there is no event ${called}: its hooks are left out`);
    return;
  }
  if (!Array.isArray(groups)) {
    reader.problem([name], `${name} is no list: its hooks are left out`);
    return;
  }
  const event = reader.isAgent && name === "Stop" ? "SubagentStop" : (name as HookEvent);
  groups.forEach((group: unknown, at) => {
    readGroup(reader, event, group, [name, at]);
  });
}

function readGroup(reader: Reader, event: HookEvent, group: unknown, way: Way): void {
  if (!isObject(group) || !Array.isArray(group.hooks)) {
    reader.problem(way, `an entry of ${way[0]} is no object with a list of hooks: left out`);
    return;
  }
  const strange = strangeKey(group, ["matcher", "hooks"]);
  if (strange !== undefined) {
    reader.lacks([...way, strange], `Muster does not know ${JSON.stringify(strange)}: these hooks never run`);
    return;
  }
  const matcher = readMatcher(reader, event, group.matcher, [...way, "matcher"]);
  if (matcher === undefined) return;
  group.hooks.forEach((hook: unknown, at) => {
    const found = readHook(reader, { event, matcher }, hook, [...way, "hooks", at]);
    if (found === undefined) return;
    if (reader.hooks.length < claudeBounds.hooksPerFile) reader.hooks.push(found);
    else reader.problem([...way, "hooks", at], `more than ${claudeBounds.hooksPerFile} hooks: left out`);
  });
}

/** Undefined: nobody knows what it is for. */
function readMatcher(reader: Reader, event: HookEvent, value: unknown, way: Way): string | null | undefined {
  if (value === undefined || value === null || value === "" || value === "*") return null;
  if (typeof value !== "string" || value.length > claudeBounds.entryLength) {
    reader.problem(
      way,
      `a matcher is no text of up to ${claudeBounds.entryLength} characters: its hooks are left out`,
    );
    return undefined;
  }
  // As in Claude Code, where such a matcher is not looked at.
  if (hookEvents[event] === null) return null;
  try {
    new RegExp(value);
  } catch {
    reader.problem(
      way,
      `the matcher ${JSON.stringify(value)} is no regular expression: its hooks are left out`,
    );
    return undefined;
  }
  if (/^mcp__[^_]+(?:_[^_]+)*$/.test(value) && /^[\w-]+$/.test(value))
    reader.problem(way, `the matcher ${value} is no tool's name: all tools of that server are ${value}__.*`);
  return value;
}

function readHook(
  reader: Reader,
  { event, matcher }: Pick<ClaudeHook, "event" | "matcher">,
  hook: unknown,
  way: Way,
): ClaudeHook | undefined {
  if (!isObject(hook)) {
    reader.problem(way, "a hook is no object: left out");
    return undefined;
  }
  const { type = "command", command, timeout, shell, onFailure } = hook;
  if (type !== "command") {
    const kind = JSON.stringify(type)?.slice(0, 60);
    reader.lacks(way, `Muster has no hooks of the type ${kind}: this one never runs`);
    return undefined;
  }
  if (typeof command !== "string" || command.trim() === "" || command.includes("\0")) {
    reader.problem(way, "a hook has no command: left out");
    return undefined;
  }
  if (command.length > claudeBounds.commandLength) {
    reader.problem(way, `a command has more than ${claudeBounds.commandLength} characters: left out`);
    return undefined;
  }
  const isKnown = (shell === undefined || shell === "bash") && (onFailure ?? "block") === "block";
  const known = ["type", "command", "timeout", ...(isKnown ? ["shell", "onFailure"] : [])];
  // What says no is as if it were not there.
  const strange = strangeKey(hook.async === false ? { ...hook, async: undefined } : hook, known);
  if (strange !== undefined) {
    reader.lacks(
      [...way, strange],
      `Muster does not know ${JSON.stringify(strange)} of a hook, or not with this value: the hook never runs`,
    );
    return undefined;
  }
  const timeoutMs = readTimeout(reader, timeout, [...way, "timeout"]);
  const blocksOnFailure = onFailure === "block";
  return { event, matcher, command, timeoutMs, blocksOnFailure, line: reader.at(way) ?? null };
}

function readTimeout(reader: Reader, value: unknown, way: Way): number {
  if (value === undefined || value === null) return usualTimeoutMs;
  if (typeof value !== "number" || !(value > 0)) {
    reader.problem(way, `a timeout is no number of seconds above 0: taken as ${usualTimeoutMs / 1_000}`);
    return usualTimeoutMs;
  }
  if (value * 1_000 <= mostTimeoutMs) return Math.ceil(value * 1_000);
  reader.problem(way, `a timeout of ${value} seconds is more than ${mostTimeoutMs / 1_000}: cut`);
  return mostTimeoutMs;
}

const strangeKey = (value: Record<string, unknown>, known: readonly string[]): string | undefined =>
  Object.keys(value)
    .find((key) => value[key] !== undefined && !known.includes(key) && !harmlessKeys.includes(key))
    ?.slice(0, 60);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
