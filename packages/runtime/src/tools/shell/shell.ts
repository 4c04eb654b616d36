/**
 * Runs what a model wants run. Two fill this port: a sandbox (bubblewrap), and an ordinary process with limits, which
 * protects from accidents and not from malice, and is used only where the configuration says so.
 */
export interface Shell {
  readonly kind: "bubblewrap" | "unsandboxed";
  /** What is missing of a sandbox, in sentences for people and the model; null for a whole one. */
  readonly warning: string | null;
  /** Rejects only with the reason of an abort, or where nothing could be started; all processes are gone by then. */
  run(request: ShellRequest): Promise<ShellExit>;
}

export interface ShellRequest {
  /** A line for bash. */
  command: string;
  /** Absolute, without links; where it starts if nothing else is said, and all that it may change. */
  workspace: string;
  timeoutMs: number;
  signal: AbortSignal;
  /** Where it starts, if not in the workspace: a folder in it, or one that it lies in. */
  folder?: string;
  /** What it reads on its standard input; left out, it has none. */
  input?: string;
  /** Variables beside those of the shell. */
  variables?: Readonly<Record<string, string>>;
  /** Its standard error is `errors`, and not part of `output`. */
  streamsApart?: boolean;
  /** Files that it sees in the place of others, read-only; without a sandbox it sees those others. */
  shownFiles?: readonly { file: string; at: string }[];
  /** What it may write to its streams before it is ended, where that is less than the shell allows. */
  outputBytes?: number;
}

export interface ShellExit {
  /** What it wrote on both streams, in order; the middle is left out of a very long one. */
  output: string;
  /** What it wrote on standard error where its streams are apart, else nothing. */
  errors: string;
  /** Null where a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The limit that ended it, in a sentence; null where it ended by itself. */
  endedBy: string | null;
}

/** Bounds of one command. */
export interface ShellLimits {
  /** Processor time of one process, in seconds. */
  cpuSeconds: number;
  /** Of one process, and of all together. */
  memoryBytes: number;
  /** Processes at a time. */
  processes: number;
  /** Size of one file that it writes. */
  fileBytes: number;
  /** Of the temporary folder, where there is a sandbox. */
  temporaryBytes: number;
  /** What it may write to its streams before it is ended. */
  outputBytes: number;
  /** From being asked to end to being killed, in milliseconds. */
  graceMs: number;
}

const mebibyte = 1024 * 1024;

export const shellDefaults: ShellLimits = {
  cpuSeconds: 600,
  memoryBytes: 2048 * mebibyte,
  processes: 128,
  fileBytes: 1024 * mebibyte,
  temporaryBytes: 512 * mebibyte,
  outputBytes: 8 * mebibyte,
  graceMs: 2_000,
};
