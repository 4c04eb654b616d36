import { Worker } from "node:worker_threads";
import { ToolError } from "../tool-error.ts";

/** First and last line of a match, from 0. */
export type LineRange = readonly [first: number, last: number];

/** Finds the lines that a pattern matches, in texts that it is given one batch after the other. */
export interface LineFinder {
  find(texts: readonly string[]): Promise<LineRange[][]>;
  close(): Promise<void>;
}

export interface FinderOptions {
  ignoreCase: boolean;
  /** `.` matches line ends, and a match may span lines. */
  multiline: boolean;
  signal: AbortSignal;
}

/** Longest time that one search may think, in milliseconds. */
const mostThinkingMs = 20_000;
const mostPatternChars = 2_000;
/** Matches of one file; what is asked for is rarely more. */
const mostHits = 2_000;
/** Threads of all searches in this process. */
const mostThreads = 2;

/**
 * Makes a finder for a regular expression. The pattern comes from a model, and one that backtracks can think for years:
 * so it thinks in a thread of its own, which is ended when the time is over or the call is stopped. A pattern without any
 * special characters needs no thread.
 */
export async function createLineFinder(pattern: string, options: FinderOptions): Promise<LineFinder> {
  if (pattern.length > mostPatternChars)
    throw new ToolError(`A pattern has up to ${mostPatternChars} characters.`);
  if (!options.ignoreCase && /^[^\\^$.*+?()[\]{}|\n]+$/.test(pattern)) return literalFinder(pattern);
  return threadFinder(compile(pattern, options), options.signal);
}

function literalFinder(pattern: string): LineFinder {
  const find = (text: string): LineRange[] => {
    if (!text.includes(pattern)) return [];
    const hits: LineRange[] = [];
    for (const [index, line] of text.split("\n").entries()) {
      if (line.includes(pattern)) hits.push([index, index]);
      if (hits.length >= mostHits) break;
    }
    return hits;
  };
  return { find: async (texts) => texts.map(find), close: async () => undefined };
}

interface Expression {
  source: string;
  flags: string;
  multiline: boolean;
}

/** Models write what ripgrep takes: flags may stand at the beginning, as in `(?i)todo`. */
function compile(pattern: string, { ignoreCase, multiline }: FinderOptions): Expression {
  const [inline = "", letters = ""] = /^\(\?([ims]+)\)/.exec(pattern) ?? [];
  const source = pattern.slice(inline.length);
  const wanted = new Set(`${letters}${ignoreCase ? "i" : ""}${multiline ? "gms" : ""}`);
  const base = [...wanted].sort().join("");
  let reason = "";
  // Unicode first; it is stricter about escapes that mean nothing.
  for (const flags of [`${base}u`, base]) {
    try {
      new RegExp(source, flags);
      return { source, flags, multiline };
    } catch (error) {
      reason ||= (error as Error).message;
    }
  }
  throw new ToolError(`The pattern is no regular expression: ${reason}`);
}

/** Runs in the thread. Plain JavaScript in a string, so that it is the same in sources and in what is compiled. */
const threadCode = `
const { parentPort, workerData } = require("node:worker_threads");
const { source, flags, multiline, mostHits } = workerData;
const pattern = new RegExp(source, flags);
const byLine = (text) => {
  const hits = [];
  const lines = text.split("\\n");
  for (let at = 0; at < lines.length && hits.length < mostHits; at++)
    if (pattern.test(lines[at].endsWith("\\r") ? lines[at].slice(0, -1) : lines[at])) hits.push([at, at]);
  return hits;
};
const lineEnds = (text, from, to) => {
  let count = 0;
  for (let at = text.indexOf("\\n", from); at !== -1 && at < to; at = text.indexOf("\\n", at + 1)) count++;
  return count;
};
const acrossLines = (text) => {
  const hits = [];
  let seen = 0;
  let line = 0;
  for (const match of text.matchAll(pattern)) {
    line += lineEnds(text, seen, match.index);
    seen = match.index;
    hits.push([line, line + lineEnds(text, match.index, match.index + Math.max(0, match[0].length - 1))]);
    if (hits.length >= mostHits) break;
  }
  return hits;
};
parentPort.on("message", (texts) => parentPort.postMessage(texts.map(multiline ? acrossLines : byLine)));
`;

async function threadFinder(expression: Expression, signal: AbortSignal): Promise<LineFinder> {
  const release = await takeThread(signal);
  const worker = new Worker(threadCode, {
    eval: true,
    workerData: { ...expression, mostHits },
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  });
  let fail: (error: unknown) => void = () => undefined;
  let answer: (hits: LineRange[][]) => void = () => undefined;
  const abort = (): void => fail(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  worker.on("error", (error) => fail(new ToolError(`The search failed: ${error.message}`)));
  worker.on("message", (hits: LineRange[][]) => answer(hits));
  let leftMs = mostThinkingMs;
  return {
    find: async (texts) => {
      const startedAt = performance.now();
      let timer: NodeJS.Timeout | undefined;
      try {
        return await new Promise<LineRange[][]>((resolve, reject) => {
          answer = resolve;
          fail = reject;
          if (signal.aborted) abort();
          timer = setTimeout(() => reject(tooSlow()), Math.max(1, leftMs));
          worker.postMessage(texts);
        });
      } finally {
        clearTimeout(timer);
        leftMs -= performance.now() - startedAt;
      }
    },
    close: async () => {
      signal.removeEventListener("abort", abort);
      await worker.terminate();
      release();
    },
  };
}

const tooSlow = (): ToolError =>
  new ToolError(
    `The pattern took longer than ${mostThinkingMs / 1_000} s. Use a simpler one, or a narrower path or glob.`,
  );

let threads = 0;
const waiting: (() => void)[] = [];

/** Waits until there is room for one more thread; answers what gives the room back. */
async function takeThread(signal: AbortSignal): Promise<() => void> {
  if (threads >= mostThreads) {
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        waiting.splice(waiting.indexOf(go), 1);
        reject(signal.reason);
      };
      const go = (): void => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      waiting.push(go);
      signal.addEventListener("abort", abort, { once: true });
    });
  } else threads++;
  return () => {
    const next = waiting.shift();
    // The room goes from hand to hand, so that nobody comes between.
    if (next === undefined) threads--;
    else next();
  };
}
