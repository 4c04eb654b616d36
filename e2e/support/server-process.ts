import { join } from "node:path";
import { type Client, createClient } from "@muster/sdk";
import { type RunningProcess, root, startProcess, waitForOutput } from "./processes.ts";

/** The command as `npm test` has built it. */
export const binary = join(root, "packages", "server", "bin", "muster.js");

export interface ServerProcess extends RunningProcess {
  url: string;
  port: number;
  /** Set on the first start of a data folder. */
  adminKey: string | null;
}

export interface ServerOptions {
  dataDir: string;
  port?: number;
  builtinAgents?: boolean;
}

/** Runs `muster up` as a process of its own and waits until it takes requests. */
export async function startServer({
  dataDir,
  port = 0,
  builtinAgents = false,
}: ServerOptions): Promise<ServerProcess> {
  const server = startProcess(process.execPath, [
    ...[binary, "up", "--json", "--port", String(port), "--data-dir", dataDir, "--log-level", "warn"],
    ...(builtinAgents ? [] : ["--no-builtin-agents"]),
  ]);
  const [line] = await waitForOutput(server, /^\{.*\}$/m);
  const { url, adminKey } = JSON.parse(line) as { url: string; adminKey: string | null };
  return { ...server, url, port: Number(new URL(url).port), adminKey };
}

/** A first start on a new folder, with a client that has its admin key. */
export async function startFreshServer(
  dataDir: string,
): Promise<{ server: ServerProcess; client: Client; apiKey: string }> {
  const server = await startServer({ dataDir });
  if (server.adminKey === null) throw new Error("The folder was not new.");
  return {
    server,
    client: createClient({ url: server.url, apiKey: server.adminKey }),
    apiKey: server.adminKey,
  };
}
