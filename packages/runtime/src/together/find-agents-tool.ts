import { type FoundAgent, limits, type TaskContext } from "@muster/sdk";
import { objectOf, type TeamTool, text } from "./team-tool.ts";

const mostFound = 20;

/** Looks for agents by what is to be done, in words, or by a capability's name. */
export const findAgentsTool = ({ findAgents }: Pick<TaskContext, "findAgents">): TeamTool => ({
  name: "find_agents",
  description:
    "Finds agents that can do something, best first: by words that say what is to be done, or by the name of a capability; without either it lists who is there. Answers what each can do and the schema of the input that it wants, for delegate.",
  inputSchema: objectOf({
    query: text("What is to be done, in words.", limits.textLength),
    capability: text("The exact name of a capability.", limits.nameLength),
    limit: { type: "integer", minimum: 1, maximum: mostFound, description: "Most agents, 10 by default." },
  }),
  nature: "parallel",
  async run(search: Parameters<TaskContext["findAgents"]>[0]) {
    const found = await findAgents(search);
    return found.length === 0 ? "Nobody was found. Try other words, or none." : found.map(told);
  },
});

const told = ({ id, name, description, status, capabilities }: FoundAgent) => ({
  name,
  id,
  status,
  ...(description === "" ? {} : { description }),
  // They are in order; the numbers would say nothing to a model.
  capabilities: capabilities.map(({ score: _, ...capability }) => capability),
});
