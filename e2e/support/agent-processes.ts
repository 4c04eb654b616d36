import { join } from "node:path";
import { type RunningProcess, root, startProcess, waitForOutput } from "./processes.ts";

export interface AgentProcessOptions {
  url: string;
  apiKey: string;
  name: string;
  sideFile: string;
  transport?: "websocket" | "http";
  maxConcurrency?: number;
}

/** Starts the probe agent as a process of its own and waits until it has registered. */
export async function startAgentProcess(options: AgentProcessOptions): Promise<RunningProcess> {
  const agent = startProcess(process.execPath, [join(root, "e2e", "support", "agent-process.mjs")], {
    env: {
      MUSTER_URL: options.url,
      MUSTER_API_KEY: options.apiKey,
      AGENT_NAME: options.name,
      SIDE_FILE: options.sideFile,
      TRANSPORT: options.transport ?? "websocket",
      CONCURRENCY: String(options.maxConcurrency ?? 8),
    },
  });
  await waitForOutput(agent, /^Registered as /m);
  return agent;
}
