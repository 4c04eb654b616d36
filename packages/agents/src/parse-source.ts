import { type ParserProcess, startParser } from "./parser-process.ts";
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

/** Parsers that wait for the next source. As many come to be as there are sources at the same time. */
const idle: { parser: ParserProcess; uses: number; retire: NodeJS.Timeout }[] = [];
const idleMs = 5_000;
const maxIdle = 4;
/** Sources that one process parses, so that nothing can pile up in it. */
const maxUses = 500;

/** Parses one source in another process; undefined when the parser died of it. */
export const parseSource = async (
  source: { file: string; text: string },
  signal: AbortSignal,
): Promise<ParsedSource | undefined> => {
  const request = { name: `source${sourceEnding(source.file) ?? ".js"}`, text: source.text };
  for (;;) {
    signal.throwIfAborted();
    const { parser, uses } = takeParser();
    const answer = await parser.ask(request, signal);
    if (answer !== undefined) {
      putBack(parser, uses + 1);
      return JSON.parse(answer) as ParsedSource;
    }
    // A process that was used before may have died of something else; only a new one is proof.
    if (uses === 0) return undefined;
  }
};

const takeParser = (): { parser: ParserProcess; uses: number } => {
  for (let waiting = idle.pop(); waiting !== undefined; waiting = idle.pop()) {
    clearTimeout(waiting.retire);
    if (waiting.parser.isAlive) return waiting;
  }
  return { parser: startParser(), uses: 0 };
};

const putBack = (parser: ParserProcess, uses: number): void => {
  if (uses >= maxUses || idle.length >= maxIdle) {
    parser.stop();
    return;
  }
  const retire = setTimeout(() => {
    idle.splice(idle.indexOf(waiting), 1);
    parser.stop();
  }, idleMs);
  retire.unref();
  const waiting = { parser, uses, retire };
  idle.push(waiting);
};
