import { readFile, readlink, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";

/** Who holds a lock, with enough to tell the process from a later one under the same number. */
export interface Holder {
  /** Names this one holding; never used twice. */
  token: string;
  pid: number;
  /** When it took the lock, ISO 8601, for people. */
  startedAt: string;
  host: string;
  /** Where its number means something; null where the system doesn't tell (not Linux). */
  place: Place | null;
  /** When the process started, in the system's own units; null where the system doesn't tell. */
  processStart: string | null;
}

interface Place {
  machine: string | null;
  boot: string;
  /** The namespace of process numbers: another one for each container. */
  namespace: string;
}

/** A file that is being written is complete after this long, or its writer is dead. */
const writingMs = 2_000;

export async function describeThisProcess(): Promise<Omit<Holder, "token">> {
  return {
    pid: process.pid,
    startedAt: new Date().toISOString(),
    host: hostname(),
    place: await thisPlace(),
    processStart: (await lookAt(process.pid))?.start ?? null,
  };
}

/**
 * `dead` and `alive` are certain; `unknown` is a holder on another machine or in another container, whose
 * process can't be looked at from here.
 */
export async function judge(holder: Holder): Promise<"alive" | "dead" | "unknown"> {
  const here = await thisPlace();
  const there = holder.place;
  if (holder.host !== hostname()) return "unknown";
  if (there?.boot !== here?.boot) {
    const sameMachine = here?.machine && here.machine === there?.machine;
    return sameMachine && here.namespace === there.namespace ? "dead" : "unknown";
  }
  if (there?.namespace !== here?.namespace) return "unknown";
  if (!exists(holder.pid)) return "dead";
  const seen = await lookAt(holder.pid);
  if (!seen || holder.processStart === null) return "alive";
  return seen.ended || seen.start !== holder.processStart ? "dead" : "alive";
}

/**
 * The holder that a lock file names; undefined where there is no file. A file that stays unreadable, as a power
 * cut leaves it, names somebody unknown.
 */
export async function readHolder(path: string): Promise<Holder | undefined> {
  for (let waitedMs = 0; ; waitedMs += 100) {
    const text = await readFile(path, "utf8").catch((error) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    const holder = parseHolder(text);
    if (holder) return holder;
    if (waitedMs >= writingMs) return unreadable(path);
    await pause(100);
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Partial<Holder> | null;
    const sound =
      typeof value?.token === "string" &&
      /^[0-9a-f-]{36}$/.test(value.token) &&
      Number.isSafeInteger(value.pid) &&
      typeof value.host === "string" &&
      typeof value.startedAt === "string";
    if (!sound) return undefined;
    const { place = null, processStart = null } = value;
    return { ...(value as Holder), place, processStart };
  } catch {
    return undefined;
  }
}

async function unreadable(path: string): Promise<Holder | undefined> {
  const file = await stat(path).catch(() => undefined);
  if (!file) return undefined;
  const token = `unreadable-${file.ino}-${Math.trunc(file.mtimeMs)}`;
  return { token, pid: 0, startedAt: "unknown", host: "unknown", place: null, processStart: null };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

async function thisPlace(): Promise<Place | null> {
  try {
    const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    const namespace = await readlink("/proc/self/ns/pid");
    const machine = await readFile("/etc/machine-id", "utf8").then(
      (id) => id.trim() || null,
      () => null,
    );
    return { machine, boot, namespace };
  } catch {
    return null;
  }
}

/** What the system knows of a process: when it started, and whether it ended and only waits to be buried. */
async function lookAt(pid: number): Promise<{ start: string; ended: boolean } | undefined> {
  try {
    const line = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold spaces. Behind it: the state, and as the 20th field the start time.
    const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
    const start = fields[19];
    return start === undefined ? undefined : { start, ended: fields[0] === "Z" || fields[0] === "X" };
  } catch {
    return undefined;
  }
}
