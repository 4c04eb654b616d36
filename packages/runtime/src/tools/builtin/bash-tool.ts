import { realpath } from "node:fs/promises";
import Type from "typebox";
import { cutText } from "../cut-text.ts";
import { defineTool } from "../define-tool.ts";
import type { Shell, ShellExit } from "../shell/shell.ts";
import type { Tool } from "../tool.ts";
import { ToolError } from "../tool-error.ts";

const usualTimeoutMs = 120_000;
const mostTimeoutMs = 600_000;
/** The kernel takes no longer argument than 128 KiB. */
const mostCommandBytes = 120_000;
const mostAnswerChars = 30_000;
/** The toolbox waits longer than the longest command, so that what it wrote until then is told. */
const endingMs = 30_000;

/** The tool by which a model runs commands, in the given shell. Says in its description what that shell keeps it from. */
export const createBashTool = (shell: Shell): Tool =>
  defineTool({
    name: "Bash",
    description: `Runs a bash command in the workspace and answers what it wrote. Each call starts in the workspace anew; what it leaves running is ended. ${shell.warning ?? "It runs in a sandbox: no network, and only the workspace and /tmp can be written to."}`,
    input: Type.Object({
      command: Type.String({ minLength: 1, description: "The command." }),
      timeout: Type.Optional(
        Type.Number({
          minimum: 1,
          maximum: mostTimeoutMs,
          description: "Longest time in milliseconds, 120,000 by default.",
        }),
      ),
      description: Type.Optional(Type.String({ description: "What it does, in a few words." })),
    }),
    isParallel: false,
    timeoutMs: mostTimeoutMs + endingMs,
    maxAnswerChars: mostAnswerChars,
    subject: async ({ command }) => ({ kind: "command", command }),
    run: async ({ command, timeout = usualTimeoutMs }, context) => {
      if (Buffer.byteLength(command) > mostCommandBytes || command.includes("\0")) {
        throw new ToolError(
          `A command has up to ${mostCommandBytes} bytes and no NUL. Write a longer one into a file.`,
        );
      }
      const workspace = await realpath(context.workspace);
      const exit = await shell.run({ command, workspace, timeoutMs: timeout, signal: context.signal });
      return {
        content: describe(exit),
        ...(exit.code === 0 && exit.endedBy === null ? {} : { isError: true }),
      };
    },
  });

function describe({ output, code, signal, endedBy }: ShellExit): string {
  const how =
    endedBy ?? (code === 0 ? null : code === null ? `It was ended by ${signal}.` : `Exit code ${code}.`);
  const said = output.trimEnd();
  if (how === null) return said === "" ? "It wrote nothing." : said;
  // How it ended stands first, where no cut can take it away.
  return said === "" ? how : `${how}\n${cutText(said, mostAnswerChars - 200)}`;
}
