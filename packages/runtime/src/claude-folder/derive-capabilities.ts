import { claudeBounds } from "./bounds.ts";
import type { DerivedCapability } from "./read-agent.ts";
import { cut, slug } from "./read-name.ts";
import { wordsOf } from "./words-of.ts";

interface Described {
  name: string;
  description: string;
  tools: readonly string[] | null;
}

/** What somebody who is called this does. An agent is then found by its work as well as by its name. */
const trades: ReadonlyMap<string, string> = new Map([
  ["analyst", "analysis"],
  ["analyzer", "analysis"],
  ["architect", "architecture"],
  ["auditor", "audit"],
  ["benchmarker", "benchmark"],
  ["builder", "build"],
  ["checker", "check"],
  ["cleaner", "cleanup"],
  ["debugger", "debugging"],
  ["deployer", "deployment"],
  ["designer", "design"],
  ["developer", "development"],
  ["documenter", "documentation"],
  ["engineer", "engineering"],
  ["editor", "editing"],
  ["explorer", "exploration"],
  ["fixer", "fixing"],
  ["generator", "generation"],
  ["maintainer", "maintenance"],
  ["migrator", "migration"],
  ["modernizer", "modernization"],
  ["optimizer", "optimization"],
  ["planner", "planning"],
  ["profiler", "profiling"],
  ["programmer", "programming"],
  ["refactorer", "refactoring"],
  ["releaser", "release"],
  ["researcher", "research"],
  ["reviewer", "review"],
  ["scanner", "scan"],
  ["strategist", "strategy"],
  ["summarizer", "summary"],
  ["tester", "testing"],
  ["translator", "translation"],
  ["troubleshooter", "troubleshooting"],
  ["validator", "validation"],
  ["verifier", "verification"],
  ["writer", "writing"],
]);

/**
 * The capabilities of an agent from a file: its name, and the work that its name stands for, so that a
 * `code-reviewer` is found by `code-review`. They are written with hyphens, as such names are; those of the agents that
 * come with Muster have underscores and schemas of their own, and a file does not take their work by accident.
 */
export function deriveCapabilities({ name, description, tools }: Described): DerivedCapability[] {
  const plain = slug(name);
  const parts = plain.split("-");
  const work = trades.get(parts.at(-1) ?? "");
  const names = [name, plain, ...(work === undefined ? [] : [[...parts.slice(0, -1), work].join("-")])];
  return [...new Set(names)]
    .filter((one) => one !== "")
    .slice(0, claudeBounds.capabilities)
    .map((one) => ({
      name: one,
      description: summarize(description),
      tools: toolNames(tools),
    }));
}

const toolNames = (tools: readonly string[] | null): string[] => {
  const names = (tools ?? []).map((rule) => rule.replace(/\(.*$/s, ""));
  return [...new Set(names)].filter((name) => /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/.test(name)).slice(0, 64);
};

/** A description without its examples: what an agent is for, in at most a few sentences. */
function summarize(description: string): string {
  const text = description
    .replace(/<example>[\s\S]*?(?:<\/example>|$)/g, " ")
    .replace(/<[^<>]{1,40}>/g, " ")
    .replace(/\s+/g, " ")
    .replace(/(?:\be\.g\.|\b(?:Specifically|Examples?|For example))[:,]?\s*(?:-\s*)*$/i, "")
    .trim();
  return cut(text === "" ? description.replace(/\s+/g, " ").trim() : text, 1_000);
}

const stated = [
  "tags",
  "keywords",
  "capabilities",
  "category",
  "type",
  "triggers",
  "domains",
  "specialization",
];

/** Words by which discovery finds an agent, most telling first. */
export function deriveTags(about: Described & { metadata: Readonly<Record<string, unknown>> }): string[] {
  const said = stated.flatMap((key) => textsIn(about.metadata[key]));
  const words = [
    ...slug(about.name).split("-"),
    ...said.map((one) => slug(one)),
    ...ability(about.tools),
    ...wordsOf(summarize(about.description)),
  ];
  return [...new Set(words)].filter((one) => one.length > 1 && one.length <= 40).slice(0, claudeBounds.tags);
}

/** What its tools let an agent do, in a word. */
function ability(tools: readonly string[] | null): string[] {
  const has = (...names: string[]): boolean =>
    tools === null ||
    tools.some((rule) => names.some((name) => rule === name || rule.startsWith(`${name}(`)));
  const tags = has("Write", "Edit", "MultiEdit", "NotebookEdit") ? ["edits-files"] : [];
  if (has("Bash")) tags.push("runs-commands");
  if (has("WebFetch", "WebSearch")) tags.push("reads-the-web");
  return tools !== null && tags.length === 0 ? ["read-only"] : tags;
}

function textsIn(value: unknown, depth = 0): string[] {
  if (typeof value === "string") return value.length <= 60 ? value.split(/,\s*/) : [];
  if (depth > 2 || typeof value !== "object" || value === null) return [];
  return Object.values(value)
    .slice(0, 20)
    .flatMap((one) => textsIn(one, depth + 1));
}
