import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { collectOutput } from "./collect-output.ts";
import { type ProcessEntry, readProcessTable } from "./process-table.ts";
import type { ShellExit, ShellLimits, ShellRequest } from "./shell.ts";
import { watchProcesses } from "./warden.ts";

/** How a command is started, and which processes are its own. */
export interface Containment {
  program: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd: string;
  /** The processes of the command, by the process that was started. */
  membersOf(pid: number, table: readonly ProcessEntry[]): ProcessEntry[];
  /** Those that went their own ways; looked for at the end only, as it takes longer. */
  straysOf?(table: readonly ProcessEntry[]): ProcessEntry[];
}

type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** How long its output may take to arrive once it has ended, in milliseconds. */
const letGoMs = 1_000;
/** What is left behind is killed again and again, as it may have started more meanwhile. */
const mostSweeps = 20;

/**
 * Runs a command until it ends, takes too long, writes too much, has too many processes or too much memory, or is stopped.
 * Then whatever is left of it is killed: it is asked first and has `graceMs` to listen.
 */
export function runContained(
  containment: Containment,
  request: ShellRequest,
  limits: ShellLimits,
): Promise<ShellExit> {
  const { signal, timeoutMs } = request;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(containment.program, containment.args, {
      cwd: containment.cwd,
      env: containment.env,
      stdio: [request.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      // It leads a process group of its own, so that all of that can be killed.
      detached: true,
    }) as Child;
    // Who does not read what it is given has ended or does not want it.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(request.input);
    let endedBy: string | null = null;
    let killer: NodeJS.Timeout | undefined;
    const stop = (reason: string, graceMs: number): void => {
      if (killer !== undefined) return;
      endedBy = reason;
      if (graceMs > 0) signalMembers(containment, child, "SIGTERM");
      killer = setTimeout(() => killGroup(child), graceMs);
    };
    const outputBytes = Math.min(limits.outputBytes, request.outputBytes ?? limits.outputBytes);
    const flood = () => stop(`It wrote more than ${outputBytes} bytes and was ended.`, 0);
    const output = collectOutput(outputBytes, flood);
    const errors = request.streamsApart === true ? collectOutput(outputBytes, flood) : output;
    output.add(child.stdout);
    errors.add(child.stderr);
    const timer = setTimeout(
      () => stop(`It took longer than ${timeoutMs} ms and was ended.`, limits.graceMs),
      timeoutMs,
    );
    const abort = (): void => stop("It was stopped.", limits.graceMs);
    signal.addEventListener("abort", abort, { once: true });
    const unwatch = watchProcesses((table) => {
      const excess = excessOf(containment.membersOf(child.pid ?? -1, table), limits);
      if (excess !== null) stop(excess, 0);
    });
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      clearTimeout(killer);
      signal.removeEventListener("abort", abort);
      unwatch();
      finish();
    };
    child.on("exit", () => {
      killGroup(child);
      sweep(containment, child);
      // Somebody who got away may hold the pipes open for ever.
      setTimeout(() => letGo(child), letGoMs).unref();
    });
    child.on("error", (error) => end(() => reject(error)));
    child.on("close", (code, endSignal) =>
      end(() => {
        if (signal.aborted) reject(signal.reason);
        else {
          const complaint = errors === output ? "" : errors.text();
          resolve({ output: output.text(), errors: complaint, code, signal: endSignal, endedBy });
        }
      }),
    );
  });
}

/** Why a command is ended for what its processes take; null where it keeps its limits. */
function excessOf(members: readonly ProcessEntry[], limits: ShellLimits): string | null {
  const living = members.filter(({ state }) => state !== "Z");
  if (living.length > limits.processes)
    return `It had more than ${limits.processes} processes and was ended.`;
  const bytes = living.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
  return bytes > limits.memoryBytes
    ? `It used more than ${limits.memoryBytes} bytes of memory and was ended.`
    : null;
}

function signalMembers({ membersOf }: Containment, { pid }: Child, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  const members = membersOf(pid, readProcessTable());
  // Without a table of processes there is the group.
  for (const target of members.length > 0 ? members.map((entry) => entry.pid) : [-pid]) kill(target, name);
}

function killGroup({ pid }: Child): void {
  if (pid !== undefined) kill(-pid, "SIGKILL");
}

/** Kills what left the group, until nothing is left. */
function sweep({ membersOf, straysOf }: Containment, { pid }: Child): void {
  if (pid === undefined) return;
  for (let round = 0; round < mostSweeps; round++) {
    const table = readProcessTable();
    const found = [...membersOf(pid, table), ...(straysOf?.(table) ?? [])];
    const left = found.filter(({ state }) => state !== "Z");
    if (left.length === 0) return;
    for (const entry of left) kill(entry.pid, "SIGKILL");
  }
}

function kill(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

function letGo({ stdout, stderr }: Child): void {
  stdout.destroy();
  stderr.destroy();
}
