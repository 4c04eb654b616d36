import type { CliContext } from "./cli-context.ts";
import { CliError, exitCodes } from "./cli-error.ts";
import { defaultDataDir, readServerFile } from "./connect/read-server-file.ts";
import { codeOf } from "./report-error.ts";

export interface StartPlace {
  host: string;
  port: number;
  /** As it was typed; undefined for the usual one. */
  dataDir: string | undefined;
}

/** Why a server could not start, with what to do; errors that say so themselves are handed back as they are. */
export function explainStart(context: CliContext, error: unknown, place: StartPlace): unknown {
  const { host, port, dataDir } = place;
  const code = codeOf(error);
  const running = readServerFile(context, dataDir);
  if (code === "storage_locked" && running) {
    return failed(
      error,
      `a server already runs on ${dataDir ?? defaultDataDir}: ${running.url} (process ${running.pid})`,
      "Use it as it is, stop it first, or start another one with --data-dir and --port.",
    );
  }
  if (code === "EADDRINUSE") {
    return failed(
      error,
      `${host}:${port} is in use by another program`,
      "Choose another with --port, or --port 0 for any free one.",
    );
  }
  if (code === "EACCES" || code === "EADDRNOTAVAIL") {
    return failed(
      error,
      `cannot listen on ${host}:${port}: ${(error as Error).message}`,
      "Choose another address with --host or --port.",
    );
  }
  return error;
}

const failed = (cause: unknown, message: string, hint: string): CliError =>
  new CliError(message, { hint, exitCode: exitCodes.failed, cause });
