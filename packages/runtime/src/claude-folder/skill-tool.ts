import Type from "typebox";
import { defineTool } from "../tools/define-tool.ts";
import type { Tool } from "../tools/tool.ts";
import { ToolError } from "../tools/tool-error.ts";
import { fillArguments } from "./fill-arguments.ts";
import type { Loaded } from "./load-claude-folder.ts";
import type { ClaudePrompt } from "./read-prompt.ts";

/** Texts that the tool's description names; others are found by those who know their names. */
const mostNamed = 60;
const summaryLength = 160;

/**
 * The tool by which a model gets the text of a skill or a command, with arguments in it. The text is answered and no more:
 * a command in it that another program would run stays a text.
 */
export function createSkillTool(prompts: readonly Loaded<ClaudePrompt>[]): Tool {
  const offered = prompts.map(({ definition }) => definition).filter(({ modelMayInvoke }) => modelMayInvoke);
  const named = offered
    .slice(0, mostNamed)
    .map(({ name, description }) => `- ${name}: ${description.replace(/\s+/g, " ").slice(0, summaryLength)}`);
  return defineTool({
    name: "Skill",
    description: `Answers the instructions of a skill; follow them. There are:\n${named.join("\n")}`,
    input: Type.Object({
      skill: Type.String({ minLength: 1, maxLength: 200, description: "The name of the skill." }),
      args: Type.Optional(Type.String({ maxLength: 10_000, description: "What it is about." })),
    }),
    isParallel: true,
    run: async ({ skill, args = "" }) => {
      const name = skill.replace(/^\//, "").toLowerCase();
      const found = offered.find((one) => one.name.toLowerCase() === name);
      if (found === undefined)
        throw new ToolError(
          `There is no skill ${skill}. There are: ${offered.map((one) => one.name).join(", ")}.`,
        );
      return { content: fillArguments(found, args) };
    },
  });
}
