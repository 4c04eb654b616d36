import { MusterError } from "@muster/sdk/protocol";
import { expect, test } from "vitest";
import { createFakeCliContext } from "../test/fake-cli-context.ts";
import { CliError } from "./cli-error.ts";
import { reportError } from "./report-error.ts";

test("says what happened, where, and what to do next", () => {
  const context = createFakeCliContext();
  const error = new MusterError("invalid_input", "The input breaks its schema.", {
    hint: "Look at the capability.",
    errors: [{ path: "/path", message: "must be string" }],
  });
  expect(reportError(error, context)).toBe(2);
  expect(context.stderr.text()).toBe(
    "error: The input breaks its schema.\n  /path: must be string\nhint: Look at the capability.\n",
  );
});

test.each([
  [new MusterError("not_found", "no task"), 2],
  [new MusterError("cycle", "a → b → a"), 2],
  [new MusterError("not_cancellable", "it ended"), 1],
  [new MusterError("unavailable", "away"), 1],
  [new CliError("wrong"), 2],
  [new CliError("no server", { exitCode: 1 }), 1],
  [new TypeError("a fault"), 1],
])("%s exits with %d", (error, exitCode) => {
  expect(reportError(error, createFakeCliContext())).toBe(exitCode);
});

test("a fault that nobody foresaw names the way to its stack, and MUSTER_DEBUG=1 shows it", () => {
  const quiet = createFakeCliContext();
  reportError(new TypeError("x is not a function"), quiet);
  expect(quiet.stderr.text()).toContain("MUSTER_DEBUG=1");
  expect(quiet.stderr.text()).not.toContain("    at ");
  const debug = createFakeCliContext({ debug: true });
  reportError(new Error("outer", { cause: new Error("inner") }), debug);
  expect(debug.stderr.text()).toContain("    at ");
  expect(debug.stderr.text()).toContain("caused by Error: inner");
});
