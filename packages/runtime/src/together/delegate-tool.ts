import { limits, type TaskContext, type TaskResult, type TaskSubmission } from "@muster/sdk";
import { objectOf, type TeamTool, text } from "./team-tool.ts";

/** Tasks that one call hands over. */
const mostTasks = 50;

interface Handed {
  tasks: readonly Pick<TaskSubmission, "capability" | "agent" | "input">[];
}

/**
 * Hands tasks to whoever can do them and waits for all: one task is a question and its answer, several are a fan-out and
 * its join. The call's id names the delegation, so that a repeated call meets the tasks of the first one.
 */
export const delegateTool = ({ delegateAll }: Pick<TaskContext, "delegateAll">): TeamTool => ({
  name: "delegate",
  description:
    "Hands tasks to other agents and waits until all of them have ended. Several tasks in one call are worked on at the same time. Each result says whether its task was completed, with the output, or why not. The other agents know nothing of your conversation: put everything that they need into the input.",
  inputSchema: objectOf(
    {
      tasks: {
        type: "array",
        minItems: 1,
        maxItems: mostTasks,
        items: objectOf(
          {
            capability: text(
              "What the other agent must be able to do, as find_agents names it.",
              limits.nameLength,
            ),
            agent: text(
              "The one agent that shall do it, by name or id; by default whoever can.",
              limits.nameLength,
            ),
            input: { description: "What the capability's input schema asks for." },
          },
          ["capability"],
        ),
      },
    },
    ["tasks"],
  ),
  nature: "parallel",
  async run({ tasks }: Handed, { id }) {
    const results = await delegateAll(tasks, { key: id });
    return results.map((result, index) => ({ capability: tasks[index]!.capability, ...told(result) }));
  },
});

const told = ({ status, output, error }: TaskResult) =>
  status === "completed"
    ? { status, output }
    : { status, error: error === null ? null : { code: error.code, message: error.message } };
