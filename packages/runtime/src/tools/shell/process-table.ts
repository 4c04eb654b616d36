import { readdirSync, readFileSync } from "node:fs";

/** A process as Linux describes it. */
export interface ProcessEntry {
  pid: number;
  parent: number;
  group: number;
  session: number;
  threads: number;
  residentBytes: number;
  /** `Z` has ended and waits to be collected. */
  state: string;
}

const pageBytes = 4_096;

/** All processes that can be seen; none where the system has no `/proc`. */
export function readProcessTable(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of namesIn("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const entry = readProcess(Number(name));
    if (entry !== null) entries.push(entry);
  }
  return entries;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readProcess(pid: number): ProcessEntry | null {
  try {
    // The name of the program comes first, in brackets, and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    const number = (index: number): number => Number(fields[index]);
    return {
      pid,
      state: fields[0]!,
      parent: number(1),
      group: number(2),
      session: number(3),
      threads: number(17),
      residentBytes: number(21) * pageBytes,
    };
  } catch {
    return null;
  }
}

/** Whether a process was started with this variable; only those of the same user can be asked. */
export function hasVariable(pid: number, assignment: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(assignment);
  } catch {
    return false;
  }
}

/** A process and all that it and those below it started, itself last. */
export function familyOf(pid: number, table: readonly ProcessEntry[]): ProcessEntry[] {
  const children = new Map<number, ProcessEntry[]>();
  for (const entry of table) {
    const siblings = children.get(entry.parent);
    if (siblings === undefined) children.set(entry.parent, [entry]);
    else siblings.push(entry);
  }
  const family: ProcessEntry[] = table.filter((entry) => entry.pid === pid);
  for (let at = 0; at < family.length; at++) family.push(...(children.get(family[at]!.pid) ?? []));
  return family.reverse();
}
