import Type from "typebox";
import { defineTool } from "../define-tool.ts";
import { openWorkspace } from "../workspace/open-workspace.ts";
import { fileSubject, refuseProtected } from "./file-subject.ts";

export const writeTool = defineTool({
  name: "Write",
  description:
    "Writes a file of the workspace as a whole, with the folders that it needs. Replaces what was there.",
  input: Type.Object({
    file_path: Type.String({ description: "The file, absolute or relative to the workspace." }),
    content: Type.String({ description: "All that the file is to hold." }),
  }),
  isParallel: false,
  isRepeatable: true,
  subject: ({ file_path }, context) => fileSubject(file_path, context),
  run: async ({ file_path, content }, context) => {
    const workspace = await openWorkspace(context.workspace);
    const { given, real } = await workspace.resolve(file_path);
    refuseProtected([given, real]);
    const { isNew } = await workspace.write(file_path, content);
    const bytes = Buffer.byteLength(content);
    return { content: `${isNew ? "Made" : "Replaced"} ${given} (${bytes} bytes).` };
  },
});
