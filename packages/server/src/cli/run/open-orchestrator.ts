import type { AgentDefinition, Client } from "@muster/sdk";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, findServer, type ServerAddress } from "../connect/connect.ts";
import { dataDirOf } from "../connect/read-server-file.ts";
import { codeOf } from "../report-error.ts";
import { sayOnce } from "../say-once.ts";
import { type CrewOptions, openCrew } from "./open-crew.ts";
import { openPlanner } from "./open-planner.ts";
import { type AgentsFile, chooseAgentsFile } from "./read-agents-file.ts";
import { stopEmbedded } from "./stop-embedded.ts";

/** The orchestrator that does a run: a running server, or one of its own for the time of the run. */
export interface OpenOrchestrator {
  client: Client;
  embedded: boolean;
  /** It sees the same files as the command. */
  local: boolean;
  /** Why it has no planner, where one was asked for and it is one of its own. */
  plannerMissing?: string | undefined;
  close(say: (sentence: string) => void, signal: AbortSignal): Promise<void>;
}

/** How long to wait for a process that holds the store and has no server: it is starting, or stopping. */
const holderMs = 20_000;
const lookAgainMs = 300;

export interface OpenOptions extends ConnectOptions, CrewOptions {
  /** One of its own gets a planner, if there is a model. */
  planner?: boolean;
}

export async function openOrchestrator(
  context: CliContext,
  options: OpenOptions,
  say: (sentence: string) => void,
  signal: AbortSignal,
): Promise<OpenOrchestrator> {
  const untilMs = context.now() + holderMs;
  const tell = sayOnce(say);
  let configured: Promise<AgentsFile | undefined> | undefined;
  for (;;) {
    const address = await findServer(context, options);
    if (address && (address.source !== "server.json" || (await answers(context, address)))) {
      say(`using the server at ${address.url}`);
      return useServer(context, address);
    }
    try {
      // A person is asked once, however often this is tried.
      configured ??= chooseAgentsFile(context, options, tell);
      return await boot(context, options, await configured, tell);
    } catch (error) {
      const held = codeOf(error) === "storage_locked";
      if (!held || signal.aborted || context.now() >= untilMs) throw error;
    }
    // Its server may be about to listen, or the process about to let go of the store.
    tell("another Muster process has this store; waiting for its server…");
    await context.sleep(lookAgainMs, signal);
  }
}

async function useServer(context: CliContext, address: ServerAddress): Promise<OpenOrchestrator> {
  const client = await context.createClient({ url: address.url, apiKey: address.apiKey });
  return { client, embedded: false, local: address.local, close: async () => undefined };
}

/** A server file can outlive its server, and its pid can belong to another process by now. */
async function answers(context: CliContext, address: ServerAddress): Promise<boolean> {
  const client = await context.createClient({ url: address.url, apiKey: address.apiKey });
  return client.info().then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === "unavailable") return false;
      throw error;
    },
  );
}

async function boot(
  context: CliContext,
  options: OpenOptions,
  configured: AgentsFile | undefined,
  say: (sentence: string) => void,
): Promise<OpenOrchestrator> {
  say("starting an orchestrator…");
  const startedAtMs = context.now();
  const muster = await context.startMuster({
    dataDir: dataDirOf(context, options.dataDir),
    listen: { host: "127.0.0.1", port: 0 },
    builtinAgents: true,
    logLevel: context.debug ? "debug" : "silent",
    onProgress: say,
  });
  const place = {
    start: (definition: AgentDefinition) => muster.agent(definition),
    putAside: (agentId: string) => muster.client.agents.setStatus(agentId, "maintenance"),
  };
  const crew = await openCrew(context, configured, options, place, say).catch(async (error: unknown) => {
    await muster.stop();
    throw error;
  });
  const planner = options.planner ? await openPlanner(context, configured, place.start) : undefined;
  return {
    client: muster.client,
    embedded: true,
    local: true,
    plannerMissing: planner?.missing,
    close: async (tell, stop) => {
      await crew.unfollow();
      await stopEmbedded(context, muster, startedAtMs, tell, stop);
      await crew.close();
      await planner?.close();
    },
  };
}
