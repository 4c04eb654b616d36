import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** A process, and when it started: its number alone may be another's tomorrow. */
export interface ProcessMark {
  pid: number;
  /** In the system's own words; empty where the process was gone before it could be looked at. */
  startedAt: string;
}

const hasProc = existsSync("/proc/self/stat");

/**
 * Whether a process has ended and waits to be collected, and when it started. One whose first thread is gone has not ended
 * as long as another of its threads has not: until then it holds its files and ports.
 */
function lookAt(pid: number): { hasEnded: boolean; startedAt: string } | null {
  if (!hasProc) {
    const { stdout } = spawnSync("ps", ["-o", "state=,lstart=", "-p", `${pid}`], { encoding: "utf8" });
    const [, state, startedAt] = /^(\S)\S*\s+(.+)$/.exec(stdout.trim()) ?? [];
    return state === undefined || startedAt === undefined ? null : { hasEnded: state === "Z", startedAt };
  }
  try {
    // The name of the program comes first, in brackets, and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { hasEnded: fields[0] === "Z" && Number(fields[17]) <= 1, startedAt: fields[19]! };
  } catch {
    return null;
  }
}

export const markProcess = (pid: number): ProcessMark => ({ pid, startedAt: lookAt(pid)?.startedAt ?? "" });

/** Whether this very process runs. */
export function isRunning(mark: ProcessMark | null): mark is ProcessMark {
  const seen = mark === null ? null : lookAt(mark.pid);
  return seen !== null && !seen.hasEnded && seen.startedAt === mark?.startedAt;
}

/** Sends a signal to the group that a process leads. Does nothing where the process is gone. */
export function signalGroup(mark: ProcessMark | null, signal: NodeJS.Signals): void {
  if (!isRunning(mark)) return;
  try {
    process.kill(-mark.pid, signal);
  } catch (error) {
    // It ended in between.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
