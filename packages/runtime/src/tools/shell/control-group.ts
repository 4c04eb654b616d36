import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ShellLimits } from "./shell.ts";

/** A group of processes to which the kernel itself applies limits. */
export interface ControlGroup {
  /** Whoever writes its process number into each of these joins, with all that it starts. */
  joinFiles: readonly string[];
  /** After the last process ended. */
  remove(): Promise<void>;
}

const root = "/sys/fs/cgroup";
/** The shells and the sandbox around a command are processes, too. */
const ownProcesses = 8;
const removeTries = 40;
const removeEveryMs = 50;

let groups = 0;

/**
 * Makes a group for one command, where this process may: mostly as root, to whom the other limits on the number of
 * processes do not apply. Null where it may not; the other limits have to do then.
 */
export function openControlGroup(limits: ShellLimits): ControlGroup | null {
  if (!existsSync(root)) return null;
  const name = `muster-${process.pid}-${++groups}`;
  const folders = (
    unified(name, limits) ?? [...single("pids", name, limits), ...single("memory", name, limits)]
  ).filter((folder) => folder !== null);
  if (folders.length === 0) return null;
  return {
    joinFiles: folders.map((folder) => join(folder, "cgroup.procs")),
    remove: () => removeAll(folders),
  };
}

/** Version 2: one tree for all kinds of limits. */
function unified(name: string, limits: ShellLimits): string[] | null {
  const own = ownPath((line) => /^0::(\/.*)$/.exec(line)?.[1]);
  if (own === null || !existsSync(join(root, "cgroup.controllers"))) return null;
  const parent = join(root, own);
  if (!/\bpids\b/.test(read(join(parent, "cgroup.subtree_control")))) return [];
  return make(join(parent, name), {
    "pids.max": limits.processes + ownProcesses,
    "memory.max": limits.memoryBytes,
  });
}

/** Version 1: a tree for each kind. */
function single(kind: "pids" | "memory", name: string, limits: ShellLimits): string[] {
  const own = ownPath((line) => new RegExp(`^\\d+:(?:[^:]*,)?${kind}(?:,[^:]*)?:(/.*)$`).exec(line)?.[1]);
  if (own === null) return [];
  const files: Record<string, number> =
    kind === "pids"
      ? { "pids.max": limits.processes + ownProcesses }
      : { "memory.limit_in_bytes": limits.memoryBytes };
  return make(join(root, kind, own, name), files);
}

function make(folder: string, files: Record<string, number>): string[] {
  try {
    mkdirSync(folder);
  } catch {
    return [];
  }
  try {
    for (const [file, value] of Object.entries(files)) writeFileSync(join(folder, file), String(value));
    return [folder];
  } catch {
    rmdirSync(folder);
    return [];
  }
}

function ownPath(find: (line: string) => string | undefined): string | null {
  for (const line of read("/proc/self/cgroup").split("\n")) {
    const path = find(line);
    if (path !== undefined) return path;
  }
  return null;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** A group goes once its last process is collected, which is soon. */
async function removeAll(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    for (let left = removeTries; left > 0; left--) {
      try {
        rmdirSync(folder);
        break;
      } catch {
        await pause(removeEveryMs);
      }
    }
  }
}
