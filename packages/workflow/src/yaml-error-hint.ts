import type { YAMLParseError } from "yaml";

const hints: Partial<Record<YAMLParseError["code"], string>> = {
  TAB_AS_INDENT: "indent with spaces",
  BAD_INDENT: "lines that belong together start in the same column",
  MULTIPLE_DOCS: "one file holds one workflow",
  TAG_RESOLVE_FAILED: "YAML tags such as !name are not supported",
  MULTILINE_IMPLICIT_KEY: "is a colon missing, or does a text need quotes?",
  MISSING_CHAR: "is a closing quote or bracket missing?",
  BLOCK_AS_IMPLICIT_KEY: 'a text with ": " in it needs quotes',
  UNEXPECTED_TOKEN: "does a text need quotes?",
};

/** What to do about a YAML syntax error, given the line that it is in. */
export function yamlErrorHint(code: YAMLParseError["code"], line: string): string | undefined {
  // The two traps of expressions: YAML reads the braces in `{ file: ${{ item }} }` and the `: ` in `a ? b : c`.
  if (line.includes("${{")) return 'put the expression in quotes: "${{ … }}"';
  return hints[code];
}
