import type { Client } from "@muster/sdk";
import type picocolors from "picocolors";

import type { CopyReport, MigrateStoreOptions } from "../compose/migrate-store.ts";
import type { Muster, MusterOptions } from "../main.ts";
import type { Worker, WorkerOptions } from "../start-worker.ts";

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
  /** MUSTER_DEBUG=1: stacks of errors and logs of embedded orchestrators are shown. */
  readonly debug: boolean;
  readonly cwd: string;
  /** Standard input to its end, as text; refused beyond `maxBytes`. */
  readStdin(maxBytes: number): Promise<string>;
  /** Somebody sits at a terminal who can be asked. */
  readonly isInteractive: boolean;
  /** Standard input as it comes. */
  stdin(): AsyncIterable<Uint8Array>;
  /** Writes bytes to standard output; resolves when it can take more, or its reader has gone away. */
  writeBytes(bytes: Uint8Array): Promise<void>;
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
  startWorker(options: WorkerOptions): Promise<Worker>;
  migrateStore(options: MigrateStoreOptions): Promise<CopyReport>;
  /** Backups without a server. */
  backups(): Promise<typeof import("../compose/restore-store.ts")>;
  /** The kinds of agents that configuration alone makes. */
  configuredAgents(): Promise<Pick<typeof import("../start-worker.ts"), "checkAgentsFile">>;
  /** Agents from a `.claude` folder. */
  claudeAgents(): Promise<typeof import("../claude-agents.ts")>;
  /** What turns goals into plans, and finds what is near to words. */
  goals(): Promise<typeof import("../goals.ts")>;
  /** What files make agents of, started. */
  crew(): Promise<Pick<typeof import("../crew/start-crew.ts"), "startCrew">>;
  /** MCP servers that files name. */
  mcpServers(): Promise<typeof import("../mcp-servers.ts")>;
  /** Which models there are. */
  models(): Promise<typeof import("../models.ts")>;
  workflowLanguage(): Promise<typeof import("@muster/workflow")>;
  /** Set by the command; what the process exits with. */
  exitCode: number;
}
