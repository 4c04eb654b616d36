import { globMatcher } from "../match-glob.ts";
import type { ToolSubject } from "../tool.ts";
import { type SplitCommand, splitCommand } from "./split-command.ts";

/** One entry of a list of tools: `Read`, `Bash(git *)`, `Edit(docs/**)`, `WebFetch(domain:example.com)`, `mcp__server`. */
export interface ToolRule {
  /** As written. */
  text: string;
  /** Whether it is about a tool of this name, wholly or for some calls. */
  names(tool: string): boolean;
  /** Whether it is about calls of some kind only. */
  isPartial: boolean;
  /** Whether it allows a call: where it can't tell, it does not. */
  allows(subject: ToolSubject): boolean;
  /** Whether it stops a call: where it can't tell, it does. */
  stops(subject: ToolSubject): boolean;
}

/** Claude Code's own words: a rule about `Read` is about all tools that read files, one about `Edit` about all that write. */
const families: Readonly<Record<string, readonly string[]>> = {
  Read: ["Read", "Grep", "Glob"],
  Edit: ["Edit", "Write"],
};

export function parseToolRule(text: string): ToolRule {
  const [, name = text.trim(), inner] = /^\s*([^()\s]+)\s*(?:\((.*)\))?\s*$/s.exec(text) ?? [];
  const pattern = inner === undefined || inner.trim() === "" || inner.trim() === "*" ? null : inner.trim();
  const judge = pattern === null ? everything : judgeOf(pattern);
  const named = pattern === null ? [name] : (families[name] ?? [name]);
  return {
    text,
    names: (tool) => named.some((one) => namesTool(one, tool)),
    isPartial: pattern !== null,
    allows: (subject) => judge(subject).allows,
    stops: (subject) => judge(subject).stops,
  };
}

/** `mcp__server` and `mcp__server__*` are all tools of a server, `*` is all there are. */
function namesTool(name: string, tool: string): boolean {
  if (name === "*" || name === tool) return true;
  if (!name.startsWith("mcp__")) return false;
  if (name.endsWith("*")) return tool.startsWith(name.slice(0, -1));
  return name.split("__").length === 2 && tool.startsWith(`${name}__`);
}

interface Judgement {
  allows: boolean;
  stops: boolean;
}
const everything = (): Judgement => ({ allows: true, stops: true });

function judgeOf(pattern: string): (subject: ToolSubject) => Judgement {
  const matchesCommand = commandMatcher(pattern);
  const matchesPath = pathMatcher(pattern);
  return (subject) => {
    if (subject.kind === "command") return judgeCommand(matchesCommand, splitCommand(subject.command));
    if (subject.kind === "host") return both(matchesHost(pattern, subject.host));
    const hits = subject.paths.map(matchesPath);
    return { allows: hits.length > 0 && hits.every(Boolean), stops: hits.some(Boolean) };
  };
}

const both = (hit: boolean): Judgement => ({ allows: hit, stops: hit });

/** Everything that the line runs must be allowed; anything that it runs may stop it, also behind `sudo`, `env` or `sh -c`. */
function judgeCommand(matches: (words: string) => boolean, { commands, isOpaque }: SplitCommand): Judgement {
  const allows = !isOpaque && commands.length > 0 && commands.every((words) => matches(words.join(" ")));
  const stops =
    commands.length === 0
      ? isOpaque
      : commands.some((words) => words.some((_, from) => matches(words.slice(from).join(" "))));
  return { allows, stops };
}

/** `git *` is `git` with whatever follows; `npm run test:*` is Claude Code's older way to say the same of a beginning. */
function commandMatcher(pattern: string): (command: string) => boolean {
  const text = pattern.endsWith(":*") ? `${pattern.slice(0, -2)}*` : pattern;
  const bare = text.endsWith(" *") ? text.slice(0, -2) : null;
  const parts = text.split("*");
  return (command) => command === bare || matchesStars(parts, command);
}

/** `*` is any text. The pieces between stars are looked for one after the other, so this takes no longer than the text. */
function matchesStars(parts: readonly string[], text: string): boolean {
  const first = parts[0]!;
  if (parts.length === 1) return text === first;
  const last = parts.at(-1)!;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}

/** As in `.gitignore`: a name alone is meant in every folder, and a folder with all that is in it. */
function pathMatcher(pattern: string): (path: string) => boolean {
  const rooted = pattern.replace(/^\.?\//, "");
  const bare = rooted.replace(/\/$/, "");
  const glob = rooted === pattern && !bare.includes("/") ? `**/${bare}` : bare;
  const itself = globMatcher(glob);
  const below = globMatcher(`${glob}/**`);
  return (path) => itself(path) || below(path);
}

/** `domain:example.com` is that host and those below it. */
function matchesHost(pattern: string, host: string): boolean {
  const domain = pattern
    .replace(/^domain:/, "")
    .replace(/^\*\./, "")
    .toLowerCase();
  const asked = host.toLowerCase().replace(/\.$/, "");
  return asked === domain || asked.endsWith(`.${domain}`);
}
