import { describe, expect, it } from "vitest";
import { MusterError } from "../protocol/index.ts";
import { clip, DelegationError, toTaskError } from "./task-error.ts";

describe("toTaskError", () => {
  it("keeps what fits the protocol and leaves out what does not", () => {
    const error = Object.assign(new Error(""), {
      code: 7,
      retryable: "yes",
      retryAfterMs: Number.NaN,
      taskId: null,
      details: 1n,
    });
    expect(toTaskError(error)).toEqual({ code: "agent_error", message: "Error" });
  });

  it("cuts what is too long and leaves out details that are too large", () => {
    const { message, details } = toTaskError(
      Object.assign(new Error("x".repeat(9_000)), { details: "y".repeat(20_000) }),
    );
    expect({ length: message.length, details }).toEqual({ length: 8_192, details: undefined });
  });

  it("has a text for everything that can be thrown", () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    for (const thrown of [undefined, null, 0, Symbol("x"), circle, { code: "x" }]) {
      expect(toTaskError(thrown).message.length).toBeGreaterThan(0);
    }
  });

  it("gives an attempt whose agent lost its session another try, and an invalid call none", () => {
    for (const code of ["unauthenticated", "agent_unknown"] as const)
      expect(toTaskError(new MusterError(code, "no session")).retryable).toBe(true);
    expect(toTaskError(new MusterError("invalid_request", "no such field")).retryable).toBe(false);
  });

  it("names the sub-task that failed, or the task that its error names", () => {
    const result = { id: "sub", status: "failed" as const, output: null };
    const direct = new DelegationError({ ...result, error: { code: "c", message: "m" } });
    const deeper = new DelegationError({ ...result, error: { code: "c", message: "m", taskId: "deep" } });
    expect([toTaskError(direct).taskId, toTaskError(deeper).taskId]).toEqual(["sub", "deep"]);
  });
});

it("clip does not split a character", () => {
  expect(clip("ab😀cd", 4)).toBe("ab…");
  expect(clip("abcd", 4)).toBe("abcd");
});
