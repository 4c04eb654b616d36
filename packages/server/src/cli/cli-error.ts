/** Exit codes of every command. */
export const exitCodes = { ok: 0, failed: 1, misused: 2 } as const;

/** A mistake that the command line itself finds, with what to do about it. */
export class CliError extends Error {
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(message: string, options: { hint?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CliError";
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? exitCodes.misused;
  }
}
