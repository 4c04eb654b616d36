import ignore, { type Ignore } from "ignore";

const maxPatterns = 2_000;
const maxPatternLength = 512;
const maxWildcards = 20;
const maxDoubleStars = 4;

/** Rules of one `.gitignore`, or of a list of patterns, for paths relative to the folder that holds it. */
export interface IgnoreRules {
  /** True or false where the rules decide about the path, undefined where they say nothing. */
  verdict(path: string): boolean | undefined;
  /** Whether a pattern matches the path or a folder above it. */
  matches(path: string): boolean;
  /** Patterns that were left out, and why. */
  refused: { pattern: string; reason: string }[];
}

/**
 * Reads patterns in the language of `.gitignore`. A pattern becomes a regular expression, so one with many
 * `**` could keep the process busy for ages on a path made for it: those are left out and named.
 */
export const parseIgnoreRules = (patterns: readonly string[]): IgnoreRules => {
  const rules = ignore({ ignorecase: false });
  const refused: IgnoreRules["refused"] = [];
  for (const [index, pattern] of patterns.entries()) {
    const reason = index >= maxPatterns ? `more than ${maxPatterns} patterns` : faultOf(pattern);
    if (reason === undefined) rules.add(pattern);
    else refused.push({ pattern: pattern.slice(0, 80), reason });
    if (index >= maxPatterns) break;
  }
  return { verdict: (path) => verdict(rules, path), matches: (path) => rules.ignores(path), refused };
};

const faultOf = (pattern: string): string | undefined => {
  if (pattern.length > maxPatternLength) return `longer than ${maxPatternLength} characters`;
  const wildcards = pattern.match(/\*+/g) ?? [];
  if (wildcards.length > maxWildcards) return `more than ${maxWildcards} wildcards`;
  return wildcards.filter((stars) => stars.length > 1).length > maxDoubleStars
    ? `more than ${maxDoubleStars} times **`
    : undefined;
};

const verdict = (rules: Ignore, path: string): boolean | undefined => {
  const { ignored, unignored } = rules.test(path);
  if (unignored) return false;
  if (!ignored) return undefined;
  // A parent that these rules ignore was taken in again by rules further down, or we would not be here.
  const parent = path.replace(/\/$/, "").split("/").slice(0, -1).join("/");
  return parent !== "" && rules.test(`${parent}/`).ignored ? undefined : true;
};
