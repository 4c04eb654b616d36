import { isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import picocolors from "picocolors";
import type { CliContext, CliStream, StopSignal } from "./cli-context.ts";
import { CliError } from "./cli-error.ts";

/** Parts that are loaded when a command asks for them; each names what it is by itself. */
export const partsOnDemand = {
  configuredAgents: () => import("../start-worker.ts"),
  claudeAgents: () => import("../claude-agents.ts"),
  goals: () => import("../goals.ts"),
  crew: () => import("../crew/start-crew.ts"),
  mcpServers: () => import("../mcp-servers.ts"),
  models: () => import("../models.ts"),
  workflowLanguage: () => import("@muster/workflow"),
} satisfies Partial<CliContext>;

/** The context of a real process. The heavy parts are loaded when a command asks for them, not before. */
export function createProcessContext(): CliContext {
  return {
    stdout: createProcessStream(process.stdout),
    stderr: createProcessStream(process.stderr),
    env: process.env,
    debug: isDebugging(process.env),
    cwd: process.cwd(),
    readStdin,
    isInteractive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    // Whoever stops reading leaves it open: somebody else may ask something later.
    stdin: () => process.stdin.iterator({ destroyOnReturn: false }),
    writeBytes,
    now: () => Date.now(),
    sleep: async (durationMs, signal) => {
      await delay(durationMs, undefined, signal ? { signal } : {}).catch(() => undefined);
    },
    every: (intervalMs, tick) => {
      const timer = setInterval(tick, intervalMs);
      return () => clearInterval(timer);
    },
    onSignal,
    leave: (exitCode) => process.exit(exitCode),
    isProcessAlive,
    isThisMachine,
    createClient: async (options) => (await import("@muster/sdk")).createClient(options),
    startMuster: async (options) => (await import("../main.ts")).startMuster(options),
    startWorker: async (options) => (await import("../start-worker.ts")).startWorker(options),
    migrateStore: async (options) => (await import("../compose/migrate-store.ts")).migrateStore(options),
    backups: () => import("../compose/restore-store.ts"),
    ...partsOnDemand,
    exitCode: 0,
  };
}

/** Read before the configuration is, since an error in that is reported, too. */
const isDebugging = ({ MUSTER_DEBUG }: Readonly<Record<string, string | undefined>>): boolean =>
  MUSTER_DEBUG === "1" || MUSTER_DEBUG === "true";

function createProcessStream(stream: NodeJS.WriteStream): CliStream {
  const closed = new AbortController();
  // A reader that left (EPIPE) is its own business; any other fault of a standard stream has nobody to be told.
  stream.on("error", () => closed.abort());
  const isTTY = stream.isTTY === true && process.env.TERM !== "dumb";
  let cursorHidden = false;
  const setCursorVisible = (visible: boolean) => {
    if (!isTTY || visible !== cursorHidden) return;
    cursorHidden = !visible;
    stream.write(visible ? "\u001b[?25h" : "\u001b[?25l");
  };
  process.once("exit", () => setCursorVisible(true));
  return {
    write: (text) => {
      if (!closed.signal.aborted) stream.write(text);
    },
    isTTY,
    colors: picocolors.createColors(wantsColor(process.env, isTTY)),
    columns: () => (stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY),
    rows: () => stream.rows || 24,
    onResize: (listener) => {
      stream.on("resize", listener);
      return () => stream.off("resize", listener);
    },
    setCursorVisible,
    closed: closed.signal,
  };
}

/** NO_COLOR with any content switches colours off, FORCE_COLOR on; else a terminal has them. */
export function wantsColor(env: Readonly<Record<string, string | undefined>>, isTTY: boolean): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0";
  return isTTY;
}

async function readStdin(maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new CliError(`standard input holds more than ${maxBytes} bytes`, {
        hint: "Hand over large data as a file and name its path in the input.",
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Waits for a slow reader, so that a large file is never in memory. One who has left is waited for no longer. */
function writeBytes(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(bytes, () => resolve()));
}

function onSignal(listener: (signal: StopSignal) => void): () => void {
  const signals: StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}

function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function isThisMachine(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, "");
  if (["localhost", "::1", "::", "0.0.0.0"].includes(address)) return true;
  // A name such as 127.example.com is no loopback address.
  if (isIPv4(address) && address.startsWith("127.")) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address));
}
