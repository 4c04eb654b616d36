import { claudeBounds } from "./bounds.ts";

/** One entry of a list of tools: `Read`, `Bash(git:*)`, `Agent(worker, researcher)`, `mcp__github__*`. */
export interface ToolRule {
  name: string;
  /** What stands in parentheses; null: nothing does, and the rule is about every call. */
  argument: string | null;
}

export interface ToolList {
  /** Null: all tools. */
  rules: readonly ToolRule[] | null;
  repairs: string[];
}

/** Names that Claude Code gives its tools, as far as they are documented. */
const claudeTools: readonly string[] = [
  "Agent",
  "AskUserQuestion",
  "Bash",
  "BashOutput",
  "Edit",
  "ExitPlanMode",
  "Glob",
  "Grep",
  "KillShell",
  "LS",
  "LSP",
  "MultiEdit",
  "NotebookEdit",
  "NotebookRead",
  "Read",
  "SendMessage",
  "Skill",
  "TodoWrite",
  "ToolSearch",
  "WebFetch",
  "WebSearch",
  "Write",
];

const aliases: ReadonlyMap<string, string> = new Map([
  ["task", "Agent"],
  ...claudeTools.map((name) => [name.toLowerCase(), name] as const),
]);
const shape = /^([A-Za-z_][\w./@*-]*)\s*(?:\(([\s\S]*)\))?$/;
const everything = /^(?:\*|all(?: tools)?|any)$/i;

/**
 * Reads a list of tools, as a string with commas or as a list of YAML. What can't be read allows nothing: an author who
 * wrote a list meant to narrow, so a mistake in it must never give an agent every tool there is.
 */
export function parseAllowed(value: unknown): ToolList {
  if (value === undefined) return { rules: null, repairs: [] };
  const entries = entriesOf(value);
  if (entries === undefined) {
    return { rules: [], repairs: ["the list of tools can't be read: the agent gets none"] };
  }
  if (value === null) return { rules: [], repairs: ["the list of tools is empty: the agent gets none"] };
  if (entries.length === 1 && everything.test(entries[0] ?? "")) {
    return { rules: null, repairs: [`"${entries[0]}" is no tool: taken as all tools`] };
  }
  return parseRules(entries, "allowed");
}

/** Reads a list of tools that are taken away; undefined: it can't be read, so nobody knows what may be left. */
export function parseDenied(value: unknown): ToolList | undefined {
  if (value === undefined || value === null) return { rules: [], repairs: [] };
  const entries = entriesOf(value);
  if (entries === undefined) return undefined;
  const list = parseRules(entries, "denied");
  return list.rules?.length === entries.length ? list : undefined;
}

function parseRules(entries: readonly string[], side: "allowed" | "denied"): ToolList {
  const rules: ToolRule[] = [];
  const repairs: string[] = [];
  for (const entry of entries) {
    const rule = parseRule(entry);
    if (rule === undefined) repairs.push(`"${entry.slice(0, 60)}" is no tool: left out`);
    else if (side === "allowed" && /^mcp__\*?$/.test(rule.name))
      repairs.push(`"${entry}" may only be denied: left out`);
    else {
      rules.push(rule);
      const written = entry.replace(/[\s(].*$/s, "");
      if (written !== rule.name && written !== "Task")
        repairs.push(`the tool ${written} is called ${rule.name}`);
    }
  }
  return { rules, repairs };
}

function parseRule(entry: string): ToolRule | undefined {
  const found = shape.exec(entry);
  const written = found?.[1];
  if (written === undefined || (written.includes("*") && !written.startsWith("mcp__"))) return undefined;
  const argument = found?.[2]?.trim();
  // Empty parentheses narrow to something that nobody wrote down.
  if (argument === "") return undefined;
  const name = aliases.get(written.toLowerCase()) ?? written;
  return { name, argument: argument === undefined || argument === "*" ? null : argument };
}

/** The entries of a string or a list; undefined: it is neither, or too long. */
export function entriesOf(value: unknown): string[] | undefined {
  if (value === null || value === undefined) return [];
  if (typeof value !== "string" && !Array.isArray(value)) return undefined;
  const parts: unknown[] = typeof value === "string" ? [value] : value;
  if (!parts.every((part): part is string => typeof part === "string")) return undefined;
  const entries = parts.flatMap(splitOutsideParentheses);
  if (entries.length > claudeBounds.listEntries) return undefined;
  return entries.every((entry) => entry.length <= claudeBounds.entryLength) ? entries : undefined;
}

function splitOutsideParentheses(text: string): string[] {
  // Somebody wrote a list of JSON into a text.
  const inner = /^\s*\[([\s\S]*)\]\s*$/.exec(text)?.[1] ?? text;
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const character of inner) {
    if (character === "(") depth++;
    else if (character === ")") depth = Math.max(0, depth - 1);
    if (depth === 0 && (character === "," || character === "\n")) {
      parts.push(part);
      part = "";
    } else part += character;
  }
  return [...parts, part].map(unquote).filter((one) => one !== "");
}

const unquote = (text: string): string =>
  text
    .trim()
    .replace(/^- /, "")
    .replace(/^(["'`])([\s\S]*)\1$/, "$2")
    .trim();

/** A rule as it is written. */
export const formatRule = ({ name, argument }: ToolRule): string =>
  argument === null ? name : `${name}(${argument})`;
