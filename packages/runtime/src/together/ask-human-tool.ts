import { DelegationError, limits, type TaskContext } from "@muster/sdk";
import { objectOf, type TeamTool, text } from "./team-tool.ts";

interface Asked {
  question: string;
  options?: readonly string[];
  to?: string;
}

const mostOptions = 20;

/** Asks people and waits for as long as that takes. The call's id names the question, so that it is asked once. */
export const askHumanTool = ({ ask }: Pick<TaskContext, "ask">): TeamTool => ({
  name: "ask_human",
  description:
    "Asks a person and waits for the answer, which may take long. Only for what you can't find out or decide yourself: say what you need to know and why, with everything that the person has to know for an answer.",
  inputSchema: objectOf(
    {
      question: text("The question.", limits.textLength),
      options: {
        type: "array",
        minItems: 2,
        maxItems: mostOptions,
        items: text("One of the answers to choose from.", limits.reasonLength),
        description: "Where the answer has to be one of these.",
      },
      to: text(
        "The one person to ask, by name; by default whoever answers such questions.",
        limits.nameLength,
      ),
    },
    ["question"],
  ),
  nature: "parallel",
  async run({ question, options, to }: Asked, { id }) {
    const schema = options === undefined ? undefined : { type: "string", enum: options };
    try {
      return await ask(question, schema, { key: id, ...(to === undefined ? {} : { to: { person: to } }) });
    } catch (error) {
      if (!(error instanceof DelegationError)) throw error;
      return `Nobody answered (${error.code}): ${error.message}`;
    }
  },
});
