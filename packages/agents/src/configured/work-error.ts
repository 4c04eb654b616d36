/** What an attempt failed with, as the agent reports it. */
export class WorkError extends Error {
  readonly code: string;
  readonly retryable: boolean | undefined;
  readonly retryAfterMs: number | undefined;
  /** Nothing was begun elsewhere: whoever was asked said so, or was never reached. */
  readonly refused: boolean;

  constructor(
    code: string,
    message: string,
    more: { retryable?: boolean; retryAfterMs?: number; refused?: boolean } = {},
  ) {
    super(message);
    this.name = "WorkError";
    this.code = code;
    this.retryable = more.retryable;
    this.retryAfterMs = more.retryAfterMs;
    this.refused = more.refused === true;
  }
}
