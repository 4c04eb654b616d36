import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A Redis of a test's own, which it may kill. Ends with the test. */
export interface PrivateRedis {
  url: string;
  /** Dies at once and saves nothing. */
  kill(): Promise<void>;
  /** Starts on the same port, from whatever was saved. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Stops answering until it is thawed. */
  freeze(): void;
  thaw(): void;
}

/** Needs `redis-server` on the path. It saves nothing unless the arguments say so. */
export async function startRedis(...configuration: string[]): Promise<PrivateRedis> {
  const folder = await mkdtemp(join(tmpdir(), "muster-redis-"));
  const port = await freePort();
  const given = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    folder,
    "--save",
    "",
    ...configuration,
  ];
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const child = spawn("redis-server", given, { stdio: ["ignore", "pipe", "inherit"] });
    server = child;
    const failed = once(child, "exit").then(() => Promise.reject(new Error("redis-server did not start")));
    failed.catch(() => {});
    await Promise.race([readyToAccept(child), failed]);
  }

  async function kill(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  }

  onTestFinished(async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  });
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    start,
    async restart() {
      await kill();
      await start();
    },
    freeze: () => void server?.kill("SIGSTOP"),
    thaw: () => void server?.kill("SIGCONT"),
  };
}

function readyToAccept(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("Ready to accept connections")) resolve();
    });
  });
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}
