import type { CliContext } from "./cli-context.ts";
import { CliError, exitCodes } from "./cli-error.ts";
import { printable } from "./render/printable.ts";

/** Codes of a server's refusal that mean: the command was used wrongly. Everything else is a failure. */
const misuseCodes: ReadonlySet<string> = new Set([
  "invalid_request",
  "invalid_json",
  "invalid_input",
  "invalid_workflow",
  "cycle",
  "unknown_dependency",
  "unauthenticated",
  "forbidden",
  "not_found",
  "agent_unknown",
  "payload_too_large",
  "limit_exceeded",
]);

/** What an error may carry, whoever threw it. Looked at by shape, so that reporting needs nothing loaded. */
interface ErrorFacts {
  code?: unknown;
  hint?: unknown;
  errors?: unknown;
}

/**
 * Says on standard error what happened and what to do next, and returns the exit code. The stack is for
 * MUSTER_DEBUG=1; an error that nobody foresaw says so.
 */
export function reportError(error: unknown, context: CliContext): number {
  const { stderr } = context;
  const debug = context.debug;
  const message = error instanceof Error ? error.message : String(error);
  stderr.write(`${stderr.colors.red("error:")} ${printable(message, "\n")}\n`);
  for (const { path, message: detail } of schemaErrors(error)) {
    stderr.write(`  ${printable(path || "(top)")}: ${printable(detail)}\n`);
  }
  const hint = hintFor(error, debug);
  if (hint !== undefined) stderr.write(`${stderr.colors.cyan("hint:")} ${printable(hint, "\n")}\n`);
  if (debug && error instanceof Error) stderr.write(`${stackOf(error)}\n`);
  return exitCodeFor(error);
}

function exitCodeFor(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  return misuseCodes.has(codeOf(error)) ? exitCodes.misused : exitCodes.failed;
}

/** The stable code of an error, or an empty string. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as ErrorFacts).code : undefined;
  return typeof code === "string" ? code : "";
}

function hintFor(error: unknown, debug: boolean): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { hint } = error as ErrorFacts;
  if (typeof hint === "string") return hint;
  const foreseen = error instanceof CliError || error.name === "MusterError";
  if (foreseen || debug) return undefined;
  return "This was not foreseen. MUSTER_DEBUG=1 shows where it happened.";
}

function schemaErrors(error: unknown): { path: string; message: string }[] {
  const errors = error instanceof Error ? (error as ErrorFacts).errors : undefined;
  return Array.isArray(errors) ? errors.slice(0, 20).filter((one) => typeof one?.message === "string") : [];
}

function stackOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own;
}
