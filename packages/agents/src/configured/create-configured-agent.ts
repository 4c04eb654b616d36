import type { AgentDefinition, TaskContext } from "@muster/sdk";
import { createA2aAgent } from "./a2a/create-a2a-agent.ts";
import { callEndpoint } from "./call-endpoint.ts";
import type { ConfiguredAgent } from "./configured-agent.ts";
import { runCommand } from "./run-command.ts";

export interface ConfiguredSurroundings {
  /** Where relative paths begin: the folder of the file. */
  folder?: string;
  /** What variables are taken from. */
  env?: Readonly<Record<string, string | undefined>>;
}

/**
 * An agent from configuration alone: any command or HTTP endpoint that does what a capability says. The old way of
 * working becomes one side of a rollout like this. To the orchestrator it is an agent like any other.
 */
export function createConfiguredAgent(
  agent: ConfiguredAgent,
  { folder = process.cwd(), env = {} }: ConfiguredSurroundings = {},
): AgentDefinition {
  if (agent.kind === "a2a") return createA2aAgent(agent, env);
  const handler = (context: TaskContext): Promise<unknown> =>
    agent.kind === "command" ? runCommand(agent, context, folder, env) : callEndpoint(agent, context, env);
  const { name, version, description, maxConcurrency, capabilities } = agent;
  return {
    name,
    ...(version === undefined ? {} : { version }),
    ...(description === undefined ? {} : { description }),
    ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
    metadata: { kind: agent.kind },
    capabilities: capabilities.map((one) => ({
      ...(typeof one === "string" ? { name: one } : one),
      handler,
    })),
  };
}
