import { claudeBounds } from "./bounds.ts";
import { deriveCapabilities, deriveTags } from "./derive-capabilities.ts";
import { type SplitFile, splitFrontMatter } from "./front-matter.ts";
import type { ClaudeHook } from "./hooks/claude-hook.ts";
import { createLineOf } from "./hooks/line-of.ts";
import { type HooksReading, readHooks } from "./hooks/read-hooks.ts";
import { type ClaudeCodeView, judgeAgent } from "./judge-claude-code.ts";
import { allWellFormed, keepMetadata, wellFormed } from "./keep-metadata.ts";
import { agentKeys, narrowingKeys } from "./keys.ts";
import { type FrontMatter, parseFrontMatter } from "./parse-front-matter.ts";
import { type AgentSettings, readAgentSettings } from "./read-agent-settings.ts";
import { readDescription, readName } from "./read-name.ts";
import { consentForHooks } from "./read-settings.ts";
import { formatRule, parseAllowed, parseDenied } from "./tool-list.ts";

/** An agent as a file of `.claude/agents` says it, with nothing of it started. */
export interface ClaudeAgent extends AgentSettings {
  /** A valid name of an agent of Muster. */
  name: string;
  description: string;
  /** The system prompt. */
  prompt: string;
  /** Rules as `Read`, `Bash(git:*)`, `mcp__github__*`; null: all tools. */
  tools: readonly string[] | null;
  /** Taken away before `tools` is looked at. */
  disallowedTools: readonly string[];
  capabilities: readonly DerivedCapability[];
  /** What it wants run around its own work; nothing is, before a person approved it. */
  hooks: readonly ClaudeHook[];
  /** Words that discovery by meaning goes by, beside the description. */
  tags: readonly string[];
  /** Keys that Claude Code does not know, as JSON. */
  metadata: Readonly<Record<string, unknown>>;
}

export interface DerivedCapability {
  name: string;
  description: string;
  /** Names of tools that it works with; none where it may use all. */
  tools: readonly string[];
}

/** Why a file is not loaded. */
export type RefusalCode =
  | "documentation"
  | "no_name"
  | "bad_name"
  | "no_description"
  | "no_prompt"
  | "name_taken"
  | "overridden"
  | "too_large"
  | "too_many"
  | "not_text"
  | "unreadable"
  | "outside";

export interface Reading<Definition> {
  /** Undefined: not loaded. */
  definition?: Definition;
  name: string | null;
  repairs: string[];
  /** What Claude Code has and Muster has not. */
  unsupported?: string[];
  refusal?: { code: RefusalCode; why: string };
  /** What it asks for and does not get by being read. */
  needsConsent: string[];
  claudeCode: ClaudeCodeView;
}

/** Reads one agent from the text of its file. Never throws. */
export function readAgent(text: string, fileName: string): Reading<ClaudeAgent> {
  const split = splitFrontMatter(wellFormed(text));
  if (split.yaml === null) {
    const claudeCode = { loads: false, why: "it has no front matter, so it counts as documentation" };
    const tooLong = text.length > claudeBounds.frontMatterLength && /^\ufeff?---/.test(text);
    const refusal = tooLong
      ? {
          code: "too_large" as const,
          why: `its front matter is longer than ${claudeBounds.frontMatterLength} characters`,
        }
      : { code: "documentation" as const, why: "it has no front matter: documentation, not an agent" };
    return { name: null, repairs: [], needsConsent: [], refusal, claudeCode };
  }
  const front = parseFrontMatter(split.yaml);
  const claudeCode = judgeAgent(front, split.repairs);
  const repairs = [...split.repairs, ...front.repairs];
  const name = readName(front.values.get("name"), fileName);
  const outcome = { name: name.name ?? null, repairs, needsConsent: [], claudeCode };
  if (name.name === undefined) return { ...outcome, refusal: name.refusal };
  const description = readDescription(front.values.get("description"), split.body);
  if (description.text === undefined) {
    const why =
      "it has no description, and no text that could stand for one: nobody would know when to use it";
    return { ...outcome, refusal: { code: "no_description", why } };
  }
  repairs.push(...name.repairs, ...description.repairs);
  const tools = readTools(front.values, new Set([...front.unreadable, ...strayKeys(split)]));
  const settings = readAgentSettings(front.values, name.name);
  const hooks = readOwnHooks(front, split);
  const metadata = keepMetadata(front.values, agentKeys);
  repairs.push(...tools.repairs, ...settings.repairs, ...hooks.problems, ...metadata.repairs);
  const prompt = split.body === "" ? description.text : split.body;
  if (split.body === "") repairs.push("it has no text below the front matter: its description is the prompt");
  const base = { name: name.name, description: description.text, tools: tools.allowed };
  const definition: ClaudeAgent = {
    ...base,
    ...settings.settings,
    prompt,
    disallowedTools: tools.denied,
    hooks: hooks.hooks,
    tags: deriveTags({ ...base, metadata: metadata.kept }),
    capabilities: deriveCapabilities(base),
    metadata: metadata.kept,
  };
  return {
    ...outcome,
    definition: allWellFormed(definition),
    repairs: repairs.slice(0, claudeBounds.repairsPerFile),
    unsupported: hooks.unsupported,
    needsConsent: [...consentForHooks(hooks), ...settings.needsConsent],
  };
}

/** Of a front matter that is no YAML nobody knows for certain what it wants run. */
function readOwnHooks({ values, isYaml }: FrontMatter, { yaml, repairs }: SplitFile): HooksReading {
  const value = values.get("hooks");
  if (!isYaml && value !== undefined)
    return { hooks: [], problems: ["the YAML does not parse: no hook is loaded"], unsupported: [] };
  // Above a front matter that is where it should be stands one line of hyphens.
  const line = repairs.length === 0 ? createLineOf(yaml ?? "", 1) : () => undefined;
  return readHooks(value, { isAgent: true, lineOf: (way) => line(["hooks", ...way]) });
}

/** Where the end of a front matter was guessed, what narrows an agent may have ended up below it. */
function strayKeys({ body, repairs }: { body: string; repairs: readonly string[] }): string[] {
  if (repairs.length === 0) return [];
  return [...narrowingKeys].filter((key) => new RegExp(`^\\s*["']?${key}["']?\\s*:`, "m").test(body));
}

function readTools(values: ReadonlyMap<string, unknown>, unreadable: ReadonlySet<string>) {
  const nothing = (why: string) => ({ allowed: [] as string[], denied: [] as string[], repairs: [why] });
  if (unreadable.has("tools")) return nothing("tools can't be read: the agent gets none");
  const allowed = parseAllowed(values.get("tools"));
  const denied = unreadable.has("disallowedTools") ? undefined : parseDenied(values.get("disallowedTools"));
  if (denied === undefined)
    return nothing("disallowedTools can't be read, so nobody knows what is left: the agent gets no tools");
  return {
    allowed: allowed.rules === null ? null : allowed.rules.map(formatRule),
    denied: (denied.rules ?? []).map(formatRule),
    repairs: [...allowed.repairs, ...denied.repairs],
  };
}
