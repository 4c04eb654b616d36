import Type from "typebox";
import { defineTool } from "../define-tool.ts";
import { ToolError } from "../tool-error.ts";
import { openWorkspace } from "../workspace/open-workspace.ts";
import { fileSubject, refuseProtected } from "./file-subject.ts";
import { mostFileBytes, textOf } from "./read-tool.ts";

export const editTool = defineTool({
  name: "Edit",
  description:
    "Replaces a text in a file of the workspace. old_string must stand there exactly once, unless replace_all is true: give enough of the lines around it.",
  input: Type.Object({
    file_path: Type.String({ description: "The file, absolute or relative to the workspace." }),
    old_string: Type.String({ description: "The text as it stands there, without line numbers." }),
    new_string: Type.String({ description: "The text in its place." }),
    replace_all: Type.Optional(Type.Boolean({ description: "Replaces every place, not just one." })),
  }),
  isParallel: false,
  subject: ({ file_path }, context) => fileSubject(file_path, context),
  run: async (input, context) => {
    const { file_path, old_string, new_string } = input;
    const workspace = await openWorkspace(context.workspace);
    const { given, real } = await workspace.resolve(file_path);
    refuseProtected([given, real]);
    if (old_string === new_string) throw new ToolError("old_string and new_string are the same.");
    const text = textOf(await workspace.read(file_path, mostFileBytes), given);
    const places = countOf(text, old_string);
    if (places === 0) return notFound(text, new_string, given);
    if (places > 1 && input.replace_all !== true) {
      throw new ToolError(
        `old_string stands at ${places} places in ${given}. Give more of the lines around it, or set replace_all.`,
      );
    }
    // A function, so that `$&` in a replacement is just these two characters.
    await workspace.write(
      file_path,
      text.replaceAll(old_string, () => new_string),
    );
    return { content: `Replaced ${places === 1 ? "one place" : `${places} places`} in ${given}.` };
  },
});

function countOf(text: string, part: string): number {
  if (part === "")
    throw new ToolError("old_string is empty. To make a file or replace it as a whole, use Write.");
  let count = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

/** A call that was cut off after its effect is made again: it finds its work done. */
function notFound(text: string, replacement: string, path: string): { content: string } {
  if (replacement.trim() !== "" && text.includes(replacement)) {
    return { content: `${path} holds new_string already, and no old_string. Nothing was changed.` };
  }
  const hint = text.includes("\r\n") ? " Its lines end with \\r\\n." : "";
  throw new ToolError(
    `old_string was not found in ${path}. Read the file again; spaces and line ends must be the same.${hint}`,
  );
}
