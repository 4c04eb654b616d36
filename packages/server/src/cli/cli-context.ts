import type { Client } from "@muster/sdk";
import type picocolors from "picocolors";

import type { Muster, MusterOptions } from "../main.ts";

/** Functions that colour text, or leave it as it is. */
export type Colors = ReturnType<(typeof picocolors)["createColors"]>;

/** A stream that people or programs read: standard output or standard error. */
export interface CliStream {
  /** Writes at once and in order; a reader that has gone away is not an error. */
  write(text: string): void;
  readonly isTTY: boolean;
  /** Coloured where the terminal, NO_COLOR and FORCE_COLOR say so. */
  readonly colors: Colors;
  /** Width to cut to; infinite where nobody looks at it. */
  columns(): number;
  rows(): number;
  onResize(listener: () => void): () => void;
  /** The cursor comes back by itself when the process ends. */
  setCursorVisible(visible: boolean): void;
  /** Aborted once the reader has gone away, as with `| head`. */
  readonly closed: AbortSignal;
}

export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/**
 * Everything that a command has from outside: streams, environment, signals, clock and the doors to the
 * heavy parts. Tests give a made-up one; `createProcessContext` is the real one.
 */
export interface CliContext {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Standard input to its end, as text; refused beyond `maxBytes`. */
  readStdin(maxBytes: number): Promise<string>;
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `tick` again and again until the returned function is called. */
  every(intervalMs: number, tick: () => void): () => void;
  onSignal(listener: (signal: StopSignal) => void): () => void;
  /** Leaves the process at once. */
  leave(exitCode: number): void;
  isProcessAlive(pid: number): boolean;
  /** Whether a host name or address of a URL is this machine. */
  isThisMachine(host: string): boolean;
  createClient(options: { url: string; apiKey: string }): Promise<Client>;
  startMuster(options: MusterOptions): Promise<Muster>;
  workflowLanguage(): Promise<typeof import("@muster/workflow")>;
  /** Set by the command; what the process exits with. */
  exitCode: number;
}
