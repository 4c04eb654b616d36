import { limits, type TaskContext } from "@muster/sdk";
import { type Letter, letterLength } from "./mailbox.ts";
import { objectOf, type TeamTool, text } from "./team-tool.ts";

type Mail = Pick<TaskContext, "send" | "broadcast" | "taskId" | "runId">;

/** Messages reach their reader at most once, and nobody says whether they did: they are never sent again. */
export const messageTools = ({ send, broadcast, taskId, runId }: Mail): TeamTool[] => {
  const letter = (said: string): Letter => ({ text: said, taskId, runId });
  return [
    {
      name: "send_message",
      description:
        "Sends a message to one agent that is at work on the same run now. It may be lost, and there is no answer: for work that must be done, and for questions, use delegate.",
      inputSchema: objectOf(
        {
          to: text("The agent's name or id.", limits.nameLength),
          text: text("The message.", letterLength),
        },
        ["to", "text"],
      ),
      nature: "once",
      async run({ to, text: said }: { to: string; text: string }) {
        await send(to, letter(said));
        return "Sent.";
      },
    },
    {
      name: "broadcast",
      description:
        "Sends a message to all agents that are at work on the same run now. It may be lost, and there is no answer.",
      inputSchema: objectOf({ text: text("The message.", letterLength) }, ["text"]),
      nature: "once",
      async run({ text: said }: { text: string }) {
        await broadcast(letter(said));
        return "Sent.";
      },
    },
  ];
};
