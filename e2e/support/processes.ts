/**
 * What every end-to-end test stands on: real processes that are ended by their pid, whatever became of the
 * test, and folders that go away with it. A test file calls `cleanUp` in its `afterEach` or `afterAll`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { quickStart } from "./quick-start.ts";

/** The root of the repository. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Ended {
  exitCode: number | null;
  out: string;
  err: string;
}

export interface RunningProcess {
  pid: number;
  /** What it has printed so far. */
  out(): string;
  err(): string;
  ended: Promise<Ended>;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
}

export interface StartOptions {
  cwd?: string;
  env?: Record<string, string>;
}

const running = new Set<ChildProcess>();
const folders = new Set<string>();

export function startProcess(
  file: string,
  argv: readonly string[],
  options: StartOptions = {},
): RunningProcess {
  const { MUSTER_URL, MUSTER_API_KEY, NO_COLOR, FORCE_COLOR, ...inherited } = process.env;
  const flags = file === process.execPath ? quickStart : [];
  const child = spawn(file, [...flags, ...argv], {
    cwd: options.cwd ?? root,
    env: { ...inherited, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    err += chunk;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", (error) => {
      running.delete(child);
      reject(error);
    });
    child.on("close", (exitCode) => {
      running.delete(child);
      resolve({ exitCode, out, err });
    });
  });
  // A program that is not installed is found out where the test waits for it.
  ended.catch(() => undefined);
  return {
    pid: child.pid ?? -1,
    out: () => out,
    err: () => err,
    ended,
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

/** Resolves with the first match in what the process prints to standard output; rejects where it ends before. */
export async function waitForOutput(
  running: RunningProcess,
  pattern: RegExp,
  timeoutMs = 60_000,
): Promise<RegExpExecArray> {
  const until = Date.now() + timeoutMs;
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  void running.ended.then(over, over);
  for (;;) {
    const match = pattern.exec(running.out());
    if (match !== null) return match;
    if (isOver || Date.now() > until) {
      throw new Error(
        `No ${pattern} ${isOver ? "before the end" : "in time"}: ${running.out()}${running.err()}`,
      );
    }
    await pause(20);
  }
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "muster-e2e-"));
  folders.add(folder);
  return folder;
}

/** Ends every process that was started here and removes the folders. */
export async function cleanUp(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const closed = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await closed;
    }),
  );
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks every 20 ms until `look` finds something; the machine may be slow, so the patience is long. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > until) throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    await pause(20);
  }
}
