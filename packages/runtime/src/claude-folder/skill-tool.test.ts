import { expect, test } from "vitest";
import { createToolbox } from "../tools/create-toolbox.ts";
import { readPrompt } from "./read-prompt.ts";
import { createSkillTool } from "./skill-tool.ts";

const prompt = (name: string, text: string) => ({
  path: `.claude/commands/${name}.md`,
  root: "/shop",
  scope: "project" as const,
  definition: readPrompt("command", name, text).definition!,
});

const tool = createSkillTool([
  prompt("order", "---\ndescription: Orders parts.\n---\nOrder $0 at !`date`."),
  prompt("secret", "---\ndisable-model-invocation: true\n---\nNot for models."),
]);
const use = (input: object) =>
  createToolbox([tool], {}, { workspace: "/shop" }).call(
    { id: "1", name: "Skill", input },
    new AbortController().signal,
  );

test("a model gets the text of a skill with its arguments, and nothing of it is run", async () => {
  expect(tool.description).toContain("- order: Orders parts.");
  expect(await use({ skill: "/Order", args: "'two wheels' now" })).toEqual({
    content: "Order two wheels at !`date`.",
  });
});

test("a skill that is not for models is not there for them", async () => {
  expect(tool.description).not.toContain("secret");
  expect(await use({ skill: "secret" })).toMatchObject({
    isError: true,
    content: expect.stringContaining("There are: order."),
  });
});
