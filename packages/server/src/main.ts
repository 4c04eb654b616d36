import { builtinAgents } from "@muster/agents";
import { type AgentDefinition, type Client, createAgent, createClient, type RunningAgent } from "@muster/sdk";
import { pino } from "pino";
import { createApi } from "./api/create-api.ts";
import { type Composition, compose } from "./compose.ts";
import type { OrchestratorSettings } from "./core/create-orchestrator.ts";
import { createInProcessTransport } from "./core/gateway/in-process-transport.ts";
import type { Principal } from "./core/orchestrator.ts";
import { createDirectClient } from "./direct-client.ts";
import { removeServerFile, writeServerFile } from "./server-file.ts";
import { version } from "./version.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export interface MusterOptions {
  /** Folder of the embedded store, `.muster` by default; null keeps everything in memory. */
  dataDir?: string | null;
  /** Where to listen, port 6878 of 127.0.0.1 by default; port 0 picks a free one; false: no HTTP at all. */
  listen?: { host?: string; port?: number } | false;
  /** Agents to start in this process. */
  agents?: readonly AgentDefinition[];
  /** Starts the agents of `@muster/agents` too. */
  builtinAgents?: boolean;
  /** Logs as JSON lines on stderr; `warn` by default. */
  logLevel?: LogLevel;
  /** Told, in sentences, what starting takes time for. */
  onProgress?: (sentence: string) => void;
  /** Told once when the store broke while it was in use; nothing works any more. By default the process ends. */
  onFatal?: (error: Error) => void;
  /** Leases, retention and discovery, for those who need other than the defaults. */
  settings?: OrchestratorSettings;
}

export interface Muster {
  /** Where it listens. */
  readonly url: string | undefined;
  /** The first admin key of a new store; null ever after. */
  readonly adminKey: string | null;
  /** An admin key for this process only, stored nowhere. */
  readonly localKey: string;
  /** Submit, wait, watch, cancel: over HTTP where it listens, else without a wire. */
  readonly client: Client;
  /** Starts one more agent in this process. */
  agent(definition: AgentDefinition): Promise<RunningAgent>;
  /** Takes no more work, lets agents finish for up to `graceMs` (10 s), closes the store. */
  stop(graceMs?: number): Promise<void>;
}

const defaultPort = 6878;
const inside: Principal = { tenant: "*", role: "admin", name: "in-process" };

/**
 * Starts an orchestrator in this process: the embedded store, the API, and any agents that are given. The same
 * that `muster up` runs, for programs that want it inside.
 */
export async function startMuster(options: MusterOptions = {}): Promise<Muster> {
  const { dataDir = ".muster", onProgress = () => {} } = options;
  const log = pino(
    { level: options.logLevel ?? "warn", base: null },
    pino.destination({ dest: 2, sync: true }),
  );
  const onFatal = options.onFatal ?? endProcess;
  onProgress("opening the store…");
  const parts = await compose({ dataDir, log, onProgress, onFatal, settings: options.settings ?? {} });
  // Timers of an idle orchestrator do not hold the process; a started one does, until it is stopped.
  const alive = setInterval(() => {}, 2 ** 30);
  const undo: (() => Promise<void>)[] = [parts.close, async () => clearInterval(alive)];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const adminKey = await parts.orchestrator.keys.bootstrap();
    const localKey = `ml_${parts.ids.secret()}`;
    await parts.orchestrator.start();
    undo.push(() => parts.orchestrator.stop());
    const url = options.listen === false ? undefined : await listen(options, parts, log, localKey, undo);
    if (url !== undefined && dataDir !== null) {
      await writeServerFile(dataDir, { url, pid: process.pid, key: localKey });
      undo.push(() => removeServerFile(dataDir));
    }
    const agents = await startAgents(options, parts, onProgress);
    const client =
      url === undefined
        ? createDirectClient(parts.orchestrator, inside, parts.clock, version)
        : createClient({ url, apiKey: localKey });
    return {
      url,
      adminKey,
      localKey,
      client,
      async agent(definition) {
        const agent = await startAgent(definition, parts);
        agents.push(agent);
        return agent;
      },
      async stop(graceMs = 10_000) {
        // Agents elsewhere settle through the API, so it stays open until they have.
        const ours = agents.splice(0).map((agent) => agent.stop(graceMs));
        await Promise.all([...ours, parts.orchestrator.drain(graceMs)]);
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function listen(
  options: MusterOptions,
  { orchestrator }: Composition,
  log: Parameters<typeof createApi>[0]["log"],
  localKey: string,
  undo: (() => Promise<void>)[],
): Promise<string> {
  const api = await createApi({ orchestrator, log, version, localKey });
  undo.push(() => api.close());
  const { host = "127.0.0.1", port = defaultPort } = options.listen === false ? {} : (options.listen ?? {});
  return api.listen({ host, port });
}

async function startAgents(
  options: MusterOptions,
  parts: Composition,
  onProgress: (sentence: string) => void,
) {
  const definitions = [...(options.builtinAgents === true ? builtinAgents() : []), ...(options.agents ?? [])];
  if (definitions.length > 0) onProgress(`starting ${definitions.length} agents…`);
  return Promise.all(definitions.map((definition) => startAgent(definition, parts)));
}

async function startAgent(definition: AgentDefinition, { orchestrator }: Composition): Promise<RunningAgent> {
  const agent = createAgent(definition);
  await agent.start({ transport: createInProcessTransport(orchestrator.gateway, inside) });
  return agent;
}

/** A store that broke can't be used further, and what was acknowledged is on disk: end, and let somebody restart. */
function endProcess(error: Error): void {
  process.stderr.write(`error: ${error.message}\n`);
  process.exit(70);
}
