import { limits, type TaskContext } from "@muster/sdk";
import { objectOf, type TeamTool, text } from "./team-tool.ts";

const mostRecalled = 20;

/** What outlives the task: the agent's own memories, and those of the project that it works on. */
export const memoryTools = (memory: TaskContext["memory"], project: string | undefined): TeamTool[] => {
  const shared = project === undefined ? {} : { project };
  return [
    {
      name: "remember",
      description:
        "Keeps something for later tasks: a fact, a decision, a preference, in a sentence that can be understood without this conversation. Never a secret.",
      inputSchema: objectOf(
        {
          text: text("What is to be remembered.", limits.textLength),
          ...(project === undefined
            ? {}
            : { shared: { type: "boolean", description: "All agents of the project shall know it." } }),
        },
        ["text"],
      ),
      nature: "repeatable",
      async run({ text: said, shared: isShared = false }: { text: string; shared?: boolean }) {
        await memory.remember(said, isShared ? shared : {});
        return "Remembered.";
      },
    },
    {
      name: "recall",
      description: "Looks up what was remembered in earlier tasks, by meaning and by words.",
      inputSchema: objectOf(
        {
          query: text("What it is about.", limits.textLength),
          limit: {
            type: "integer",
            minimum: 1,
            maximum: mostRecalled,
            description: "Most memories, 10 by default.",
          },
        },
        ["query"],
      ),
      nature: "parallel",
      async run({ query, limit }: { query: string; limit?: number }) {
        const { items } = await memory.recall(query, {
          ...shared,
          ...(limit === undefined ? {} : { limit }),
        });
        return items.map(({ memory: { text: said, scope, updatedAt } }) => ({
          text: said,
          scope,
          updatedAt,
        }));
      },
    },
  ];
};
