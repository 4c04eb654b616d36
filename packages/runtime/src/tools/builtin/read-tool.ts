import Type from "typebox";
import { defineTool } from "../define-tool.ts";
import { ToolError } from "../tool-error.ts";
import { openWorkspace } from "../workspace/open-workspace.ts";
import { fileSubject } from "./file-subject.ts";

/** Bounds of one answer. */
const mostLines = 2_000;
const mostLineChars = 2_000;
export const mostFileBytes = 8 * 1024 * 1024;

export const readTool = defineTool({
  name: "Read",
  description:
    "Reads a text file of the workspace. Answers numbered lines, the first 2,000 unless offset (the first line, from 1) and limit say otherwise.",
  input: Type.Object({
    file_path: Type.String({ description: "The file, absolute or relative to the workspace." }),
    offset: Type.Optional(Type.Integer({ minimum: 0, description: "The first line, from 1." })),
    limit: Type.Optional(Type.Integer({ minimum: 1, description: "Most lines." })),
  }),
  isParallel: true,
  // Lines have their own bounds; an answer that is cut in the middle would look like a file with a hole.
  maxAnswerChars: 200_000,
  subject: ({ file_path }, context) => fileSubject(file_path, context),
  run: async ({ file_path, offset = 1, limit = mostLines }, context) => {
    const workspace = await openWorkspace(context.workspace);
    const text = textOf(await workspace.read(file_path, mostFileBytes), file_path);
    if (text === "") return { content: "The file is empty." };
    return { content: numbered(text, Math.max(1, offset), Math.min(limit, mostLines)) };
  },
});

/** Throws where bytes are not text. */
export function textOf(bytes: Buffer, path: string): string {
  if (bytes.subarray(0, 16_384).includes(0)) throw new ToolError(`${path} is binary, not text.`);
  return bytes.toString("utf8");
}

function numbered(text: string, first: number, count: number): string {
  const lines = text.split("\n");
  // The end of the last line begins no other.
  if (lines.at(-1) === "") lines.pop();
  if (first > lines.length)
    throw new ToolError(`The file has ${lines.length} lines; there is no line ${first}.`);
  const shown = lines.slice(first - 1, first - 1 + count);
  const body = shown
    .map((line, index) => `${String(first + index).padStart(6)}\t${shortened(line)}`)
    .join("\n");
  const next = first + shown.length;
  return next > lines.length
    ? body
    : `${body}\n… ${lines.length - next + 1} more lines, from offset ${next}.`;
}

const shortened = (line: string): string =>
  line.length <= mostLineChars
    ? line
    : `${line.slice(0, mostLineChars)}… (${line.length - mostLineChars} more characters)`;
