import Type, { type Static } from "typebox";

/** An error as HTTP and WebSocket carry it: RFC 9457 problem details with Muster's own members. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: "A URI that names the kind of problem, `urn:muster:<code>`." }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: "Stable, machine-readable name of the error." }),
    detail: Type.String(),
    hint: Type.Optional(Type.String({ description: "What to do next." })),
    retryable: Type.Boolean({ description: "Whether the same call can succeed later." }),
    errors: Type.Optional(
      Type.Array(Type.Object({ path: Type.String(), message: Type.String() }), {
        description: "Where the request breaks its schema.",
      }),
    ),
    details: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: "Facts of this error for programs, such as the sides of a conflict.",
      }),
    ),
  },
  { $id: "Problem" },
);
export type Problem = Static<typeof Problem>;

/** Codes of operational errors with the HTTP status that carries each. */
const statusOfCode = {
  invalid_request: 400,
  invalid_json: 400,
  invalid_input: 422,
  invalid_output: 422,
  invalid_workflow: 422,
  cycle: 422,
  unknown_dependency: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  agent_unknown: 404,
  method_not_allowed: 405,
  conflict: 409,
  lease_lost: 409,
  lock_lost: 409,
  deadlock: 409,
  not_cancellable: 409,
  not_retryable: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  limit_exceeded: 422,
  budget_reached: 409,
  checksum_mismatch: 422,
  rate_limited: 429,
  timeout: 504,
  no_reply: 504,
  content_damaged: 500,
  storage_locked: 503,
  unavailable: 503,
  internal: 500,
} as const;
export type ErrorCode = keyof typeof statusOfCode;

const retryableCodes: ReadonlySet<ErrorCode> = new Set([
  "rate_limited",
  "timeout",
  "unavailable",
  "no_reply",
]);

export interface MusterErrorOptions {
  /** What to do next, in one sentence. */
  hint?: string;
  errors?: { path: string; message: string }[];
  details?: Record<string, unknown>;
  cause?: unknown;
}

/**
 * An operational error: something that can go wrong in a healthy system. It carries a stable code, whether
 * trying again helps, and what to do next. A broken invariant is a plain `Error` instead and ends the process.
 */
export class MusterError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly errors: { path: string; message: string }[] | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, options: MusterErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MusterError";
    this.code = code;
    this.hint = options.hint;
    this.errors = options.errors;
    this.details = options.details;
  }

  get status(): number {
    return statusOfCode[this.code];
  }

  get retryable(): boolean {
    return retryableCodes.has(this.code);
  }

  toProblem(): Problem {
    return {
      type: `urn:muster:${this.code}`,
      title: this.code.replaceAll("_", " "),
      status: this.status,
      code: this.code,
      detail: this.message,
      retryable: this.retryable,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.errors === undefined ? {} : { errors: this.errors }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }

  /** The error that a problem document describes; an unknown code becomes `internal`. */
  static fromProblem(problem: Problem): MusterError {
    const code = problem.code in statusOfCode ? (problem.code as ErrorCode) : "internal";
    return new MusterError(code, problem.detail, {
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
      ...(problem.errors === undefined ? {} : { errors: problem.errors }),
      ...(problem.details === undefined ? {} : { details: problem.details }),
    });
  }
}
