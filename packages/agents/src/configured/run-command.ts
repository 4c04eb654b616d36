import { type ChildProcessByStdio, spawn } from "node:child_process";
import { resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { TaskContext } from "@muster/sdk";
import { type CommandAgent, configuredDefaults } from "./configured-agent.ts";
import type { Environment } from "./fill-variables.ts";
import { passedVariables } from "./passed-variables.ts";
import { WorkError } from "./work-error.ts";

/** Characters of standard error that an error shows. */
const shownErrors = 2_000;
/** How long a process may take to end after SIGTERM. */
const graceMs = 2_000;
/** How long its output may take to arrive once it has ended. */
const letGoMs = 1_000;
/** Exit codes by which a program says: try again later (EX_TEMPFAIL), or never with this input (EX_DATAERR). */
const exitTryAgain = 75;
const exitBadInput = 65;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

interface Exit {
  stdout: string;
  stderr: string;
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * Does a task by running a command: the input is JSON on its standard input, its standard output is the output. No
 * shell is involved unless the configuration says one. The command leads a process group of its own, and
 * what is left of that is killed when it ends, takes too long, writes too much, or its task is cancelled.
 */
export async function runCommand(
  agent: CommandAgent,
  context: TaskContext,
  folder: string,
  env: Environment,
): Promise<unknown> {
  const exit = await run(
    agent,
    context,
    resolve(folder, agent.cwd ?? "."),
    environmentOf(agent, context, env),
  );
  if (exit.code !== 0) throw failureOf(exit);
  if (agent.output === "text") return { text: exit.stdout };
  if (exit.stdout.trim() === "") return null;
  try {
    return JSON.parse(exit.stdout) as unknown;
  } catch (error) {
    throw new WorkError("invalid_output", `The command's output is not JSON: ${(error as Error).message}`);
  }
}

function environmentOf(agent: CommandAgent, context: TaskContext, env: Environment): Record<string, string> {
  return {
    ...passedVariables(env, agent.passEnv ?? []),
    ...agent.env,
    MUSTER_TASK_ID: context.taskId,
    MUSTER_CAPABILITY: context.capability ?? "",
    MUSTER_ATTEMPT: String(context.attempt),
  };
}

function run(agent: CommandAgent, context: TaskContext, cwd: string, env: Record<string, string>) {
  const { timeoutMs, maxOutputBytes } = { ...configuredDefaults, ...agent };
  return new Promise<Exit>((settle, reject) => {
    context.signal.throwIfAborted();
    const [program = "", ...words] = agent.command ?? ["/bin/sh", "-c", agent.shell ?? ""];
    const child = spawn(program, words, {
      cwd,
      env,
      stdio: ["pipe", "pipe", "pipe"],
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    let failure: unknown;
    let killer: NodeJS.Timeout | undefined;
    const stop = (reason: unknown): void => {
      failure ??= reason;
      killGroup(child, "SIGTERM");
      killer ??= setTimeout(() => killGroup(child, "SIGKILL"), graceMs);
    };
    const abort = (): void => stop(context.signal.reason);
    const slow = new WorkError("timeout", `The command took longer than ${timeoutMs} ms.`);
    const timer = setTimeout(() => stop(slow), timeoutMs);
    context.signal.addEventListener("abort", abort, { once: true });
    const stdout = collect(child.stdout, maxOutputBytes, () =>
      stop(
        new WorkError("output_too_large", `The command wrote more than ${maxOutputBytes} bytes.`, {
          retryable: false,
        }),
      ),
    );
    const stderr = collect(child.stderr, shownErrors);
    // A command need not read its input.
    child.stdin.on("error", () => undefined);
    child.stdin.end(JSON.stringify(context.input ?? null));
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      clearTimeout(killer);
      context.signal.removeEventListener("abort", abort);
      finish();
    };
    // What it started and left behind may hold its pipes open for ever.
    child.on("exit", () => {
      killGroup(child, "SIGKILL");
      setTimeout(() => letGo(child), letGoMs).unref();
    });
    child.on("error", (error) => end(() => reject(notStarted(program, error))));
    child.on("close", (code, signal) =>
      end(() =>
        failure === undefined
          ? settle({ stdout: stdout(), stderr: stderr(), code, signal })
          : reject(failure),
      ),
    );
  });
}

/** Collects what a stream says, up to a bound; what comes behind it is told once, and dropped. */
function collect(stream: Readable, mostBytes: number, onTooMuch?: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    const room = mostBytes - bytes;
    bytes += chunk.length;
    if (room > 0) chunks.push(chunk.subarray(0, room));
    if (bytes > mostBytes) onTooMuch?.();
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function killGroup(child: Child, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // Nobody of it is left.
  }
}

/** Somebody who left the group holds the pipes: nothing more is read from them. */
function letGo({ stdout, stderr }: Child): void {
  stdout.destroy();
  stderr.destroy();
}

const notStarted = (program: string, error: Error): WorkError =>
  new WorkError("not_started", `${program} could not be started: ${error.message}`, { retryable: false });

/** What the command says of itself as JSON, else how it ended and the end of what it complained about. */
function failureOf({ stdout, stderr, code, signal }: Exit): WorkError {
  const said = errorIn(stdout);
  const how = code === null ? `was ended by ${signal}` : `exited with ${code}`;
  const complaint = stderr.trim();
  const message = said?.message ?? `The command ${how}${complaint === "" ? "" : `: ${complaint}`}`;
  const retryable =
    said?.retryable ?? (code === exitTryAgain ? true : code === exitBadInput ? false : undefined);
  return new WorkError(said?.code ?? "command_failed", message, {
    ...(retryable === undefined ? {} : { retryable }),
    ...(said?.retryAfterMs === undefined ? {} : { retryAfterMs: said.retryAfterMs }),
  });
}

/** A program that speaks of its failure writes `{"error": {"code", "message", "retryable", "retryAfterMs"}}`. */
function errorIn(stdout: string) {
  try {
    const { error } = JSON.parse(stdout) as { error?: Record<string, unknown> };
    const { code, message, retryable, retryAfterMs } = error ?? {};
    return {
      ...(typeof code === "string" && { code }),
      ...(typeof message === "string" && { message }),
      ...(typeof retryable === "boolean" && { retryable }),
      ...(typeof retryAfterMs === "number" && { retryAfterMs }),
    };
  } catch {
    return undefined;
  }
}
