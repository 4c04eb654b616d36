import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { builtinAgents, createConfiguredAgent } from "@muster/agents";
import { type AgentDefinition, createAgent, MusterError, type RunningAgent } from "@muster/sdk";
import type { ConfiguredAgents } from "./main.ts";

export { checkAgentsFile } from "@muster/agents";

export interface WorkerOptions {
  /** The server, or several nodes, separated by commas. */
  url: string;
  apiKey: string;
  /** Modules with agents, as absolute paths; with none, and none configured: the built-in agents. */
  modules: readonly string[];
  /** Commands and HTTP endpoints to start as agents. */
  configured?: ConfiguredAgents | undefined;
  /** Tasks at once of each agent, instead of what it says itself. */
  concurrency?: number | undefined;
  transport?: "websocket" | "http" | undefined;
  /** How long to wait for a server that is not up yet. */
  startMs: number;
  /** Told, in sentences, what starting takes time for. */
  onProgress: (sentence: string) => void;
}

export interface Worker {
  /** The agents by name and id. */
  readonly agents: readonly { name: string; id: string }[];
  /** Takes no more work, lets the agents finish for up to `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** Between two tries to reach the server. */
const retryMs = 1_000;

/**
 * Starts agents and no orchestrator: the built-in ones, or those of modules. They join over the network like any
 * other agent, so a worker can be anywhere.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { modules, configured } = options;
  const definitions =
    modules.length === 0 && configured === undefined
      ? builtinAgents()
      : [
          ...(await Promise.all(modules.map(loadDefinitions))).flat(),
          ...(configured?.agents ?? []).map((agent) => createConfiguredAgent(agent, configured)),
        ];
  const started: RunningAgent[] = [];
  const stop = async (graceMs: number): Promise<void> => {
    await Promise.all(started.splice(0).map((agent) => agent.stop(graceMs)));
  };
  try {
    for (const definition of definitions) started.push(await startAgent(definition, options));
  } catch (error) {
    await stop(0);
    throw error;
  }
  return { agents: started.map(({ definition, id = "" }) => ({ name: definition.name, id })), stop };
}

async function startAgent(
  definition: AgentDefinition,
  { url, apiKey, transport, concurrency, startMs, onProgress }: WorkerOptions,
): Promise<RunningAgent> {
  const agent = createAgent(
    concurrency === undefined ? definition : { ...definition, maxConcurrency: concurrency },
  );
  const until = performance.now() + startMs;
  for (;;) {
    try {
      await agent.start({ url, apiKey, ...(transport === undefined ? {} : { transport }) });
      return agent;
    } catch (error) {
      const passing = error instanceof MusterError && error.retryable;
      if (!passing || performance.now() + retryMs > until) throw error;
      onProgress(`waiting for the server: ${error.message}`);
      await pause(retryMs);
    }
  }
}

/** What a module offers: its default export is an agent, a list of them, or a function that makes one of these. */
async function loadDefinitions(path: string): Promise<AgentDefinition[]> {
  const loaded = (await import(pathToFileURL(path).href)) as { default?: unknown };
  const offered = typeof loaded.default === "function" ? await loaded.default() : loaded.default;
  const definitions = Array.isArray(offered) ? offered : [offered];
  if (definitions.length > 0 && definitions.every(isDefinition)) return definitions;
  throw new MusterError("invalid_request", `${path} has no agent as its default export.`, {
    hint: "Export a definition as for createAgent, a list of them, or a function that makes them.",
  });
}

const isDefinition = (value: unknown): value is AgentDefinition =>
  typeof value === "object" && value !== null && "name" in value && "capabilities" in value;
