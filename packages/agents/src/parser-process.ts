import { type ChildProcessByStdio, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { MusterError } from "@muster/sdk";

const timeoutMs = 30_000;
const maxAnswerBytes = 16 * 1024 * 1024;
const parserFile = fileURLToPath(new URL("../bin/parse-source.js", import.meta.url));

/** A process that parses one source after the other. */
export interface ParserProcess {
  /**
   * The answer to one request, as JSON text; undefined when the process died of it. Only one at a time. When it
   * rejects (`timeout`, `limit_exceeded`, the reason of the signal) the process is gone as well.
   */
  ask(request: unknown, signal: AbortSignal): Promise<string | undefined>;
  readonly isAlive: boolean;
  stop(): void;
}

/** Starts a parser. It has an empty environment, and does not keep the program running that started it. */
export const startParser = (): ParserProcess => {
  const child = spawn(process.execPath, ["--max-old-space-size=512", parserFile], {
    cwd: tmpdir(),
    env: {},
    stdio: ["pipe", "pipe", "ignore"],
    windowsHide: true,
  });
  let isAlive = true;
  let settle: ((answer: string | undefined, failure?: unknown) => void) | undefined;
  const fail = (failure: unknown): void => {
    isAlive = false;
    child.kill("SIGKILL");
    settle?.(undefined, failure);
  };
  child.on("error", (error) => fail(notStarted(error)));
  child.on("close", () => {
    isAlive = false;
    settle?.(undefined);
  });
  child.stdin.on("error", () => undefined);
  collectLines(
    child.stdout,
    (line) => settle?.(line),
    () => fail(tooMuch()),
  );
  holdOpen(child, false);

  return {
    ask: (request, signal) =>
      new Promise((resolve, reject) => {
        const abort = (): void => fail(signal.reason);
        const timer = setTimeout(() => fail(tooSlow()), timeoutMs);
        settle = (answer, failure) => {
          settle = undefined;
          clearTimeout(timer);
          signal.removeEventListener("abort", abort);
          holdOpen(child, false);
          if (failure === undefined) resolve(answer);
          else reject(failure);
        };
        signal.addEventListener("abort", abort, { once: true });
        holdOpen(child, true);
        child.stdin.write(`${JSON.stringify(request)}\n`);
      }),
    get isAlive() {
      return isAlive;
    },
    stop: () => void child.kill("SIGKILL"),
  };
};

const collectLines = (stdout: Readable, onLine: (line: string) => void, onTooMuch: () => void): void => {
  let chunks: Buffer[] = [];
  let bytes = 0;
  stdout.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) return onTooMuch();
    // One answer follows one request, so a line break can only be the end of what came.
    if (chunk.at(-1) !== 10) return;
    const line = Buffer.concat(chunks).toString("utf8");
    chunks = [];
    bytes = 0;
    onLine(line);
  });
};

/** Whether the process and its pipes keep the event loop going. */
const holdOpen = (child: ChildProcessByStdio<Writable, Readable, null>, hold: boolean): void => {
  const change = hold ? "ref" : "unref";
  child[change]();
  for (const pipe of [child.stdin, child.stdout]) {
    (pipe as unknown as Partial<Record<"ref" | "unref", () => void>>)[change]?.();
  }
};

const tooSlow = (): MusterError =>
  new MusterError("timeout", `The parser did not finish within ${timeoutMs / 1_000} s.`, {
    hint: "The machine may be overloaded; the task is tried again.",
  });

const tooMuch = (): MusterError =>
  new MusterError("limit_exceeded", `The parser answered more than ${maxAnswerBytes / 1024 / 1024} MiB.`);

const notStarted = (error: Error): MusterError =>
  new MusterError("unavailable", `The parser could not be started: ${error.message}.`, {
    hint: "Look for limits on processes or memory on this machine.",
    cause: error,
  });
