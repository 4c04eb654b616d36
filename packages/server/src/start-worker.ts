import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { builtinAgents } from "@muster/agents";
import { type AgentDefinition, createAgent, MusterError, type RunningAgent } from "@muster/sdk";

export { checkAgentsFile } from "@muster/agents";

export interface WorkerOptions {
  /** The server, or several nodes, separated by commas. */
  url: string;
  apiKey: string;
  /** Modules with agents, as absolute paths. */
  modules: readonly string[];
  /** Starts the agents of `@muster/agents`, too. */
  builtinAgents: boolean;
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
  /** Starts one more agent. */
  start(definition: AgentDefinition): Promise<RunningAgent>;
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
  const definitions = [
    ...(options.builtinAgents ? builtinAgents() : []),
    ...(await Promise.all(options.modules.map(loadDefinitions))).flat(),
  ];
  const started: RunningAgent[] = [];
  const start = async (definition: AgentDefinition): Promise<RunningAgent> => {
    const agent = await startAgent(definition, options);
    started.push(agent);
    return agent;
  };
  const stop = async (graceMs: number): Promise<void> => {
    await Promise.all(started.splice(0).map((agent) => agent.stop(graceMs)));
  };
  try {
    for (const definition of definitions) await start(definition);
  } catch (error) {
    await stop(0);
    throw error;
  }
  return {
    get agents() {
      return started.map(({ definition, id = "" }) => ({ name: definition.name, id }));
    },
    start,
    stop,
  };
}

async function startAgent(
  definition: AgentDefinition,
  { url, apiKey, transport, concurrency, startMs, onProgress }: WorkerOptions,
): Promise<RunningAgent> {
  // One of `.claude` that writes must not write beside itself.
  const keepsOwn = concurrency === undefined || definition.type === "claude";
  const agent = createAgent(keepsOwn ? definition : { ...definition, maxConcurrency: concurrency });
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
