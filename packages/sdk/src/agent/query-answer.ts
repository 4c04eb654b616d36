import { toTaskError } from "./task-error.ts";

/** What `query` rejects with when the other agent answered with an error. */
export class QueryError extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, retryable: boolean) {
    super(message);
    this.name = "QueryError";
    this.code = code;
    this.retryable = retryable;
  }
}

/**
 * The reply to a query that could not be answered. Its shape is part of the protocol: an object whose only
 * member is `error`, with at least `code` and `message`. Every other payload is an answer.
 */
export interface QueryRefusal {
  error: { code: string; message: string; retryable?: boolean };
}

export const refusalOf = (thrown: unknown): QueryRefusal => {
  const { code, message, retryable } = toTaskError(thrown);
  return { error: { code, message, ...(retryable === undefined ? {} : { retryable }) } };
};

/** The answer in a reply; throws where the reply is a refusal. */
export const answerOf = (payload: unknown): unknown => {
  if (!isRefusal(payload)) return payload;
  const { code, message, retryable } = payload.error;
  throw new QueryError(code, message, retryable === true);
};

const isRefusal = (payload: unknown): payload is QueryRefusal => {
  if (typeof payload !== "object" || payload === null || !("error" in payload)) return false;
  const { error } = payload;
  if (Object.keys(payload).length !== 1 || typeof error !== "object" || error === null) return false;
  return (
    "code" in error &&
    typeof error.code === "string" &&
    "message" in error &&
    typeof error.message === "string"
  );
};
