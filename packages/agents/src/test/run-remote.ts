import type { AgentDefinition } from "@muster/sdk";
import type { A2aAgent } from "../configured/configured-agent.ts";
import { createConfiguredAgent } from "../configured/create-configured-agent.ts";
import { createJournaledTask, type JournaledTask } from "./journaled-task.ts";
import type { RemoteStep } from "./remote-agent.ts";

export const config = (url: string, more: Partial<A2aAgent> = {}): A2aAgent => ({
  kind: "a2a",
  name: "elsewhere",
  card: url,
  capabilities: ["work"],
  ...more,
});

export const definitionOf = (url: string, more: Partial<A2aAgent> = {}): AgentDefinition =>
  createConfiguredAgent(config(url, more), { env: { TOKEN: "t0ken" } });

export async function run(
  definition: AgentDefinition,
  task: JournaledTask = createJournaledTask(),
  signal?: AbortSignal,
) {
  return definition.capabilities[0]?.handler(task.attempt(signal)) as Promise<unknown>;
}

export const done = (...parts: Record<string, unknown>[]): RemoteStep[] => [
  { state: "submitted" },
  { state: "working", says: "half way" },
  { state: "completed", artifact: { parts } },
];
