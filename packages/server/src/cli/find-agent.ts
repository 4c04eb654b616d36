import type { Client } from "@muster/sdk";
import type { Agent } from "@muster/sdk/protocol";
import { CliError } from "./cli-error.ts";
import { codeOf } from "./report-error.ts";

const unknownCodes = ["not_found", "agent_unknown", "invalid_request"];

/** An agent by its id, else by its name where only one has it. */
export async function findAgent(client: Client, word: string): Promise<Agent> {
  return (await unlessUnknown(client.agents.get(word))) ?? agentOfName(client, word);
}

/** The id of an agent, be it here or not, or of the one live agent of that name. */
export async function findAgentId(client: Client, word: string): Promise<string> {
  const known = await unlessUnknown(client.breakers.get(word));
  return known?.agentId ?? (await agentOfName(client, word)).id;
}

async function unlessUnknown<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (!unknownCodes.includes(codeOf(error))) throw error;
    return undefined;
  }
}

async function agentOfName(client: Client, name: string): Promise<Agent> {
  const named = await client.agents.list({ name });
  if (named.length === 1 && named[0]) return named[0];
  if (named.length === 0) {
    throw new CliError(`no agent has the id or name ${name}`, { hint: "`muster agents` lists them." });
  }
  throw new CliError(`${named.length} agents are called ${name}`, {
    hint: `Name one by its id: ${named
      .map((one) => one.id)
      .slice(0, 5)
      .join(", ")}.`,
  });
}
