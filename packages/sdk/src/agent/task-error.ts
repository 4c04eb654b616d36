import { limits, MusterError, type TaskError, type TaskResult } from "../protocol/index.ts";

/**
 * What `delegate` rejects with when the sub-task did not complete: the sub-task's own error. Retrying the
 * parent would only meet the same ended sub-task, so it is not retryable unless the handler says otherwise.
 */
export class DelegationError extends Error {
  readonly code: string;
  /** The sub-task, or the task that its error names as the cause. */
  readonly taskId: string;
  readonly status: "failed" | "cancelled";
  readonly retryable = false;

  constructor({ id, status, error }: TaskResult) {
    super(error?.message ?? `Sub-task ${id} was ${status}.`);
    this.name = "DelegationError";
    this.code = error?.code ?? (status === "cancelled" ? "cancelled" : "sub_task_failed");
    this.taskId = error?.taskId ?? id;
    this.status = status === "cancelled" ? "cancelled" : "failed";
  }
}

export interface AttemptErrorOptions extends ErrorOptions {
  /** Your own word for what went wrong, such as `rate_limited`; retry policies can name it. */
  code?: string;
  /** False: another attempt would fail the same way. */
  retryable?: boolean;
  /** No other attempt before this long from now, as when a service said when to come back. */
  retryAfterMs?: number;
  /** JSON of up to 16 KiB for whoever looks into it. */
  details?: unknown;
}

/** What a handler throws to say how its attempt failed, and whether and when another one can help. */
export class AttemptError extends Error {
  readonly code: string;
  readonly retryable: boolean | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: unknown;

  constructor(message: string, options: AttemptErrorOptions = {}) {
    super(message, options);
    this.name = "AttemptError";
    this.code = options.code ?? "agent_error";
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

const detailBytes = 16 * 1024;

/**
 * What a handler threw, as the outcome of its attempt. An error may carry `code`, `retryable`, `retryAfterMs`,
 * `taskId` and `details`; what is missing or of the wrong type is left out, what is too long is cut.
 */
export const toTaskError = (thrown: unknown): TaskError => {
  if (!(thrown instanceof Error)) {
    return { code: "agent_error", message: clip(textOf(thrown), limits.textLength) };
  }
  const { code, retryable, retryAfterMs, taskId, details } = thrown as Partial<
    Record<keyof TaskError, unknown>
  >;
  return {
    code: typeof code === "string" && code !== "" ? clip(code, limits.nameLength) : "agent_error",
    message: clip(thrown.message || thrown.name, limits.textLength),
    ...(typeof retryable === "boolean" ? { retryable: retryable || isAnothersDoing(thrown) } : {}),
    ...(isDelay(retryAfterMs) ? { retryAfterMs: Math.min(Math.ceil(retryAfterMs), limits.durationMs) } : {}),
    ...(typeof taskId === "string" ? { taskId } : {}),
    ...(isSmallJson(details) ? { details } : {}),
  };
};

const passingCodes = new Set(["deadlock", "lock_lost", "agent_unknown", "unauthenticated"]);

/**
 * The same call would fail again, but not the same attempt: it stood in somebody's way, was in nobody's hands for a
 * while, or its agent's session had ended, as in an outage.
 */
const isAnothersDoing = (thrown: Error): boolean =>
  thrown instanceof MusterError && passingCodes.has(thrown.code);

/** Cuts a text to a length without splitting a character. */
export const clip = (text: string, length: number): string => {
  if (text.length <= length) return text;
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
};

const isDelay = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;

const textOf = (value: unknown): string => {
  try {
    return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return "The handler threw a value that is not an Error.";
  }
};

const isSmallJson = (value: unknown): boolean => {
  if (value === undefined) return false;
  try {
    return Buffer.byteLength(JSON.stringify(value) ?? "") <= detailBytes;
  } catch {
    return false;
  }
};
