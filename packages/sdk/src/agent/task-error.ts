import { limits, type TaskError, type TaskResult } from "../protocol/index.ts";

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
    ...(typeof retryable === "boolean" ? { retryable } : {}),
    ...(isDelay(retryAfterMs) ? { retryAfterMs: Math.min(Math.ceil(retryAfterMs), limits.durationMs) } : {}),
    ...(typeof taskId === "string" ? { taskId } : {}),
    ...(isSmallJson(details) ? { details } : {}),
  };
};

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
