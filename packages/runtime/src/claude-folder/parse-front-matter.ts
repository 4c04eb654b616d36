import { parseDocument } from "yaml";
import { doubtful, recoverFrontMatter } from "./recover-front-matter.ts";

export interface FrontMatter {
  values: ReadonlyMap<string, unknown>;
  /** Whether the YAML parses as it stands. */
  isYaml: boolean;
  /** Keys that are there and can't be read; whoever narrows something by them has to assume the worst. */
  unreadable: ReadonlySet<string>;
  repairs: string[];
}

/** Each alias of YAML may stand for much; a file of this kind needs none. */
const mostAliases = 20;

/** A mapping, as YAML has it; undefined where it is none or does not parse. Never throws. */
function parseMapping(text: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const document = parseDocument(text, { prettyErrors: false, logLevel: "silent", stringKeys: true });
    if (document.errors.length > 0) return undefined;
    const value = document.toJS({ maxAliasCount: mostAliases }) as unknown;
    if (value === null || value === undefined) return new Map();
    return typeof value === "object" && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined;
  } catch {
    // Aliases without end, or nesting beyond the stack.
    return undefined;
  }
}

/** Reads a front matter, whatever it takes: what YAML refuses is recovered key by key. */
export function parseFrontMatter(text: string): FrontMatter {
  const strict = parseMapping(text);
  if (strict !== undefined) return { values: strict, isYaml: true, unreadable: new Set(), repairs: [] };
  const tidy = tidyIndentation(text);
  const dedented = tidy === text ? undefined : parseMapping(tidy);
  if (dedented !== undefined) {
    const repairs = ["the YAML does not parse: its indentation was put right"];
    return { values: dedented, isYaml: false, unreadable: new Set(doubtful(tidy, dedented)), repairs };
  }
  return { ...recoverFrontMatter(tidy, parseMapping), isYaml: false };
}

/** Tabs become spaces, and what all lines are indented by is taken away. */
function tidyIndentation(text: string): string {
  const lines = text
    .split("\n")
    .map((line) => line.replace(/^[ \t]+/, (blank) => blank.replaceAll("\t", "  ")));
  const indents = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const common = indents.reduce((least, one) => Math.min(least, one), Number.MAX_SAFE_INTEGER);
  return common === 0 ? lines.join("\n") : lines.map((line) => line.slice(common)).join("\n");
}
