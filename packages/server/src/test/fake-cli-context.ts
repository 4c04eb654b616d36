import picocolors from "picocolors";
import type { CliContext, CliStream, StopSignal } from "../cli/cli-context.ts";
import { partsOnDemand } from "../cli/process-context.ts";

/** A stream that keeps what was written. */
export interface FakeStream extends CliStream {
  text(): string;
  /** Changes the size and tells those who listen. */
  resize(columns: number, rows: number): void;
  /** As when the reader of a pipe goes away. */
  hangUp(): void;
}

export interface FakeCliContext extends CliContext {
  readonly stdout: FakeStream;
  readonly stderr: FakeStream;
  /** Sends a signal to the command. */
  signal(signal: StopSignal): void;
  /** Exit codes with which the command left at once. */
  readonly left: number[];
}

export function createFakeStream({ isTTY = false, columns = 80, rows = 24 } = {}): FakeStream {
  let written = "";
  const size = { columns, rows };
  const listeners = new Set<() => void>();
  const closed = new AbortController();
  return {
    write: (text) => {
      written += text;
    },
    isTTY,
    colors: picocolors.createColors(false),
    columns: () => (isTTY ? size.columns : Number.POSITIVE_INFINITY),
    rows: () => size.rows,
    onResize: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setCursorVisible: () => undefined,
    closed: closed.signal,
    text: () => written,
    resize: (nextColumns, nextRows) => {
      Object.assign(size, { columns: nextColumns, rows: nextRows });
      for (const listener of listeners) listener();
    },
    hangUp: () => closed.abort(),
  };
}

/** A context without a process; what a test does not give fails when it is used. */
export function createFakeCliContext(
  overrides: Partial<CliContext> & { isTTY?: boolean } = {},
): FakeCliContext {
  const { isTTY = false, ...given } = overrides;
  const listeners = new Set<(signal: StopSignal) => void>();
  const left: number[] = [];
  const missing = (what: string) => () => Promise.reject(new Error(`this test has no ${what}`));
  return {
    stdout: createFakeStream({ isTTY }),
    stderr: createFakeStream({ isTTY }),
    env: {},
    debug: false,
    cwd: "/nowhere",
    isInteractive: false,
    readStdin: missing("standard input"),
    stdin: () => {
      throw new Error("this test has no standard input");
    },
    writeBytes: missing("standard output for bytes"),
    now: () => Date.parse("2026-01-01T00:01:00Z"),
    // Long enough for what is under way to go on, short enough for a test.
    sleep: (durationMs) => new Promise((resolve) => setTimeout(resolve, Math.min(durationMs, 20))),
    every: () => () => undefined,
    onSignal: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    leave: (exitCode) => left.push(exitCode),
    isProcessAlive: () => false,
    isThisMachine: (host) => host === "localhost" || host === "127.0.0.1",
    createClient: missing("client"),
    startMuster: missing("orchestrator"),
    startWorker: missing("worker"),
    migrateStore: missing("store"),
    backups: missing("backups"),
    ...partsOnDemand,
    exitCode: 0,
    left,
    signal: (signal) => {
      for (const listener of listeners) listener(signal);
    },
    ...given,
  } as FakeCliContext;
}
