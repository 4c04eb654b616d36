import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { builtinAgents } from "@muster/agents";
import { type AgentDefinition, type Client, createAgent, createClient, type RunningAgent } from "@muster/sdk";
import { pino } from "pino";
import { type Api, createApi } from "./api/create-api.ts";
import { type Composition, compose, type Servers } from "./compose.ts";
import type { OrchestratorSettings } from "./core/create-orchestrator.ts";
import { createInProcessTransport } from "./core/gateway/in-process-transport.ts";
import type { Principal } from "./core/orchestrator.ts";
import { createDirectClient } from "./direct-client.ts";
import { removeServerFile, writeServerFile } from "./server-file.ts";
import { version } from "./version.ts";

export { lookAtDatabaseAt } from "./compose.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export interface MusterOptions extends Servers {
  /** Folder of the embedded store and of files, `.muster` by default; null keeps everything in memory. */
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
  /** An admin key that is stored nowhere; made up when left out. */
  adminKey?: string | undefined;
  /** How long a node of several goes on answering after `stop`, so that load balancers notice; 0 by default. */
  drainMs?: number | undefined;
  /** The proxies whose `X-Forwarded-For` counts, as addresses or networks separated by commas. */
  trustProxy?: string | undefined;
  /** A folder or a bucket (`s3://…`) for backups; where files are by default. */
  backupTo?: string | undefined;
  /** Encrypts backups: 64 hexadecimal digits, or a passphrase. */
  backupKey?: string | undefined;
  /**
   * What compares the meanings of memories: `local` (the default: a small English model, if it is installed), `none`, or
   * the address of a server before `/embeddings`, with the model that it is to use.
   */
  embeddings?: string | undefined;
  embeddingsModel?: string | undefined;
  embeddingsKey?: string | undefined;
  /** Leases, retention and discovery, for those who need other than the defaults. */
  settings?: OrchestratorSettings;
}

export interface Muster {
  /** Where it listens. */
  readonly url: string | undefined;
  /** The first admin key of a new store; null ever after. */
  readonly adminKey: string | null;
  /** An admin key that is stored nowhere: the one that was given, or one of this process only. */
  readonly localKey: string;
  /** Submit, wait, watch, cancel: over HTTP where it listens, else without a wire. */
  readonly client: Client;
  /** Starts one more agent in this process. */
  agent(definition: AgentDefinition): Promise<RunningAgent>;
  /**
   * Takes no more work, lets the agents of this process finish for up to `graceMs` (10 s), closes the store. A node of
   * several hands its agents and clients over to the others; one that is alone lets them finish, too.
   */
  stop(graceMs?: number): Promise<void>;
}

const defaultPort = 6878;
/** For requests on connections that were made in the last moment. */
const lingerMs = 300;
const inside: Principal = { tenant: "*", role: "admin", name: "in-process" };

/**
 * Starts an orchestrator in this process: the embedded store, the API, and any agents that are given. The same
 * that `muster up` runs, for programs that want it inside.
 */
export async function startMuster(options: MusterOptions = {}): Promise<Muster> {
  const { dataDir = ".muster", onProgress = () => {} } = options;
  const log = pino(
    // Without a serializer an error in a log line has no message.
    {
      level: options.logLevel ?? "warn",
      base: null,
      serializers: { error: pino.stdSerializers.errWithCause },
    },
    pino.destination({ dest: 2, sync: true }),
  );
  const onFatal = options.onFatal ?? endProcess;
  onProgress("opening the store…");
  const parts = await compose({
    ...options,
    dataDir,
    log,
    onProgress,
    onFatal,
    settings: options.settings ?? {},
  });
  // Timers of an idle orchestrator do not hold the process; a started one does, until it is stopped.
  const alive = setInterval(() => {}, 2 ** 30);
  const undo: (() => Promise<void>)[] = [parts.close, async () => clearInterval(alive)];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    // Whoever brings a key needs none from the store.
    const adminKey = options.adminKey === undefined ? await parts.orchestrator.keys.bootstrap() : null;
    const localKey = options.adminKey ?? `ml_${parts.ids.secret()}`;
    await parts.orchestrator.start();
    undo.push(() => parts.orchestrator.stop());
    const server = options.listen === false ? undefined : await listen(options, parts, log, localKey, undo);
    const url = server?.url;
    if (url !== undefined) await announce(options, parts, url, undo);
    if (url !== undefined && dataDir !== null && options.databaseUrl === undefined) {
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
        server?.api.drain();
        const ours = agents.splice(0).map((agent) => agent.stop(graceMs));
        await Promise.all([...ours, drain(parts, server?.api, graceMs, options.drainMs)]);
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
  { orchestrator, checks, rateLimits, metrics }: Composition,
  log: Parameters<typeof createApi>[0]["log"],
  localKey: string,
  undo: (() => Promise<void>)[],
): Promise<{ api: Api; url: string }> {
  const { trustProxy } = options;
  const api = await createApi({
    orchestrator,
    rateLimits,
    metrics,
    log,
    version,
    localKey,
    checks,
    ...(trustProxy === undefined ? {} : { trustProxy }),
  });
  undo.push(() => api.close());
  const { host = "127.0.0.1", port = defaultPort } = options.listen === false ? {} : (options.listen ?? {});
  return { api, url: await api.listen({ host, port }) };
}

/** Shows this node to operators. */
async function announce(
  { nodeName = hostname(), publicUrl }: MusterOptions,
  { orchestrator }: Composition,
  url: string,
  undo: (() => Promise<void>)[],
): Promise<void> {
  await orchestrator.nodes.announce({ name: nodeName, url: publicUrl ?? url, version });
  undo.push(() => orchestrator.nodes.leave().catch(() => {}));
}

/** Takes on no more work, and lets go of what is under way. */
async function drain(
  { orchestrator, isCluster }: Composition,
  api: Api | undefined,
  graceMs: number,
  drainMs: number | undefined,
): Promise<void> {
  if (!isCluster) {
    // Agents elsewhere settle through this API and no other, so it stays open until they have.
    await orchestrator.drain(graceMs);
    return;
  }
  await Promise.all([orchestrator.drain(0), pause(drainMs)]);
  // First nobody can come any more, then everybody is sent away: who comes back comes to another node.
  api?.stopListening();
  await orchestrator.gateway.handOver();
  await pause(lingerMs);
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
  await agent.start({ transport: createInProcessTransport(orchestrator, inside) });
  return agent;
}

/** A store that broke can't be used further, and what was acknowledged is on disk: end, and let somebody restart. */
function endProcess(error: Error): void {
  process.stderr.write(`error: ${error.message}\n`);
  process.exit(70);
}
