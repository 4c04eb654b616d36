import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { runNode } from "./run-node.ts";
import { sourceEnding } from "./source-language.ts";

/** A node of the syntax tree, as far as bin/parse-source.js passes it on. Offsets are UTF-16 code units. */
export interface SyntaxNode {
  type: string;
  start: number;
  end: number;
  [member: string]: unknown;
}

export interface ParsedSource {
  /** Statements of the top level, with the bodies of functions left out. */
  body: SyntaxNode[];
  /** All comments in order; those of JSDoc with their text, without its delimiters. */
  comments: { start: number; end: number; value?: string }[];
  /** What the source imports or requires, sorted. */
  imports: string[];
  errors: { message: string; start: number }[];
}

const timeoutMs = 30_000;
const maxOutputBytes = 16 * 1024 * 1024;
const parserFile = fileURLToPath(new URL("../bin/parse-source.js", import.meta.url));

/** Parses one source in a process of its own; undefined when the parser died of it. */
export const parseSource = async (
  source: { file: string; text: string },
  signal: AbortSignal,
): Promise<ParsedSource | undefined> => {
  const exit = await runNode(parserFile, [`source${sourceEnding(source.file) ?? ".js"}`], {
    cwd: tmpdir(),
    signal,
    input: source.text,
    timeoutMs,
    maxOutputBytes,
  });
  return exit.code === 0 ? (JSON.parse(exit.stdout) as ParsedSource) : undefined;
};
