import { spawn } from "node:child_process";
import { MusterError } from "@muster/sdk";

export interface RunNodeOptions {
  cwd: string;
  signal: AbortSignal;
  /** Longest time; then the process is killed and the call fails with the retryable `timeout`. */
  timeoutMs: number;
  /** Most bytes of standard output; beyond it the process is killed and the call fails with `limit_exceeded`. */
  maxOutputBytes: number;
}

export interface NodeExit {
  stdout: string;
  /** The first 2,000 characters. */
  stderr: string;
  /** Null when a signal ended the process. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * Runs a JavaScript file of ours in a Node process of its own, for code that a hostile source can crash: the
 * native linter overflows the stack on deep nesting, which ends the whole process. The child gets
 * an empty environment, so that no variable changes what it loads, and no shell is involved.
 */
export const runNode = (file: string, args: readonly string[], options: RunNodeOptions): Promise<NodeExit> =>
  new Promise((resolve, reject) => {
    options.signal.throwIfAborted();
    const child = spawn(process.execPath, ["--max-old-space-size=512", file, ...args], {
      cwd: options.cwd,
      env: {},
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    const stdout: Buffer[] = [];
    let stdoutBytes = 0;
    let stderr = "";
    let failure: unknown;
    const stop = (reason: unknown): void => {
      failure ??= reason;
      child.kill("SIGKILL");
    };
    const abort = (): void => stop(options.signal.reason);
    const timer = setTimeout(() => stop(tooSlow(options.timeoutMs)), options.timeoutMs);
    options.signal.addEventListener("abort", abort, { once: true });
    child.stdout.on("data", (chunk: Buffer) => {
      stdoutBytes += chunk.length;
      if (stdoutBytes > options.maxOutputBytes) stop(tooMuch(options.maxOutputBytes));
      else stdout.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (stderr.length < 2_000) stderr = (stderr + chunk.toString("utf8")).slice(0, 2_000);
    });
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", abort);
      settle();
    };
    child.on("error", (error) => finish(() => reject(notStarted(error))));
    child.on("close", (code, signal) =>
      finish(() => {
        if (failure !== undefined) reject(failure);
        else resolve({ stdout: Buffer.concat(stdout).toString("utf8"), stderr, code, signal });
      }),
    );
  });

const tooSlow = (timeoutMs: number): MusterError =>
  new MusterError("timeout", `The tool did not finish within ${timeoutMs / 1_000} s.`, {
    hint: "The machine may be overloaded; the task is tried again.",
  });

const tooMuch = (bytes: number): MusterError =>
  new MusterError("limit_exceeded", `The tool wrote more than ${bytes / 1024} KiB.`);

const notStarted = (error: Error): MusterError =>
  new MusterError("unavailable", `A Node process could not be started: ${error.message}.`, {
    hint: "Look for limits on processes or memory on this machine.",
    cause: error,
  });
