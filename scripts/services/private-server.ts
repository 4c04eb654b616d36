import { spawn } from "node:child_process";
import { existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePorts } from "./free-ports.ts";
import { isRunning, markProcess, type ProcessMark, signalGroup } from "./process-mark.ts";
import type { Command, ServerKind } from "./server-kind.ts";

/** RabbitMQ takes six seconds to start on an idle machine. */
const startMs = 120_000;
/** A server that does not end in peace within this time is killed. */
const stopMs = 20_000;
/** A killed process is gone after this time, or something is very wrong. */
const killMs = 20_000;
const lookEveryMs = 50;
/** Lines of its log that explain why it did not start. */
const logLines = 20;

/** What is kept of an instance in its folder, so that a later process finds it again. */
interface Instance {
  ports: number[];
  server: ProcessMark | null;
  companion: ProcessMark | null;
}

/** A server of our own: one process, its folder, and ports that stay its own through every restart. */
export interface PrivateServer {
  readonly kind: ServerKind;
  readonly folder: string;
  readonly url: string;
  isRunning(): boolean;
  /** The process groups that it consists of. */
  groups(): number[];
  /** Starts it where it does not run, and resolves when it can be used. */
  start(): Promise<void>;
  /** Sends a signal to all its processes, as SIGSTOP to freeze it. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it as an operator would. */
  stop(): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Ends it and deletes everything it had. */
  remove(): Promise<void>;
}

/** Takes up the instance in `folder`, or makes one there; it is not started. */
export async function openPrivateServer(kind: ServerKind, folder: string): Promise<PrivateServer> {
  const file = join(folder, "instance.json");
  const log = join(folder, "output.log");
  const instance = existsSync(file) ? (JSON.parse(await readFile(file, "utf8")) as Instance) : await make();
  const { ports } = instance;
  const url = kind.url(ports);

  async function make(): Promise<Instance> {
    // Without the file that is written last, the folder is what an interrupted start left.
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const made = { ports: await freePorts(kind.portCount), server: null, companion: null };
    await kind.prepare(folder, made.ports);
    await writeFile(file, JSON.stringify(made));
    return made;
  }

  async function launch(command: Command): Promise<ProcessMark> {
    const output = openSync(log, "a");
    // A group of its own: neither an interrupt at the terminal nor the end of this process reaches it.
    const child = spawn(command.file, command.argv, {
      cwd: folder,
      env: { ...process.env, ...command.env },
      stdio: ["ignore", output, output],
      detached: true,
      ...command.user,
    });
    await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    child.unref();
    return markProcess(child.pid!);
  }

  const save = () => writeFile(file, JSON.stringify(instance));

  async function start(): Promise<void> {
    const until = performance.now() + startMs;
    let refusal: string | null = "it did not start";
    while (performance.now() < until) {
      if (kind.companion !== undefined && !isRunning(instance.companion)) {
        instance.companion = await launch(kind.companion(folder, ports));
        await save();
      }
      // After a crash the first start may find what the old processes have yet to let go of.
      if (!isRunning(instance.server)) {
        instance.server = await launch(kind.command(folder, ports));
        await save();
      }
      refusal = await kind.refusal(url);
      if (refusal === null) return;
      await pause(lookEveryMs);
    }
    const said = readFileSync(log, "utf8").split("\n").slice(-logLines).join("\n");
    throw new Error(`${kind.name} in ${folder} can't be used: ${refusal}\n${said}`);
  }

  async function end(mark: ProcessMark | null, signal: NodeJS.Signals, withinMs: number): Promise<boolean> {
    signalGroup(mark, signal);
    const until = performance.now() + withinMs;
    while (isRunning(mark)) {
      if (performance.now() > until) return false;
      await pause(lookEveryMs);
    }
    return true;
  }

  async function kill(): Promise<void> {
    if (await end(instance.server, "SIGKILL", killMs)) return;
    throw new Error(`${kind.name} (process ${instance.server?.pid}) outlives SIGKILL.`);
  }

  async function stop(): Promise<void> {
    if (!(await end(instance.server, kind.stopSignal, stopMs))) await kill();
    await end(instance.companion, "SIGKILL", killMs);
  }

  return {
    kind,
    folder,
    url,
    isRunning: () => isRunning(instance.server),
    groups: () => [instance.server, instance.companion].filter(isRunning).map(({ pid }) => pid),
    start,
    signal: (signal) => signalGroup(instance.server, signal),
    stop,
    kill,
    async remove() {
      await kill();
      await end(instance.companion, "SIGKILL", killMs);
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
