import Type, { type Static } from "typebox";
import { defineTool } from "../define-tool.ts";
import { globMatcher } from "../match-glob.ts";
import { globOfType, knownTypes } from "../search/file-types.ts";
import { createLineFinder } from "../search/line-finder.ts";
import { renderHits } from "../search/render-hits.ts";
import { type FileHits, searchFiles } from "../search/search-files.ts";
import type { ToolContext } from "../tool.ts";
import { ToolError } from "../tool-error.ts";
import { openWorkspace } from "../workspace/open-workspace.ts";
import { fileSubject } from "./file-subject.ts";
import { foreignFolders } from "./glob-tool.ts";

/** Entries of an answer without a `head_limit`. */
const shownEntries = 500;
const contextLines = Type.Optional(Type.Integer({ minimum: 0, maximum: 100 }));

const Input = Type.Object({
  pattern: Type.String({ minLength: 1, description: "A regular expression." }),
  path: Type.Optional(
    Type.String({ description: "The file or folder to look in; the workspace by default." }),
  ),
  glob: Type.Optional(
    Type.String({ description: "Only files whose path or name matches, such as *.{ts,tsx}." }),
  ),
  type: Type.Optional(Type.String({ description: "Only files of this type, such as ts, py, rust, md." })),
  output_mode: Type.Optional(
    Type.Enum(["content", "files_with_matches", "count"], {
      description: "Matching lines, the names of files (the default), or how many matches each has.",
    }),
  ),
  "-i": Type.Optional(Type.Boolean({ description: "Takes capital and small letters for the same." })),
  "-n": Type.Optional(Type.Boolean({ description: "Numbers lines; true by default." })),
  "-A": contextLines,
  "-B": contextLines,
  "-C": contextLines,
  head_limit: Type.Optional(Type.Integer({ minimum: 0, description: "Most lines or files of the answer." })),
  multiline: Type.Optional(Type.Boolean({ description: "Lets . match line ends and matches span lines." })),
});
type Input = Static<typeof Input>;

export const grepTool = defineTool({
  name: "Grep",
  description:
    "Searches the text files of the workspace for a regular expression. Leaves out .git, node_modules, binary files and files above 2 MiB.",
  input: Input,
  isParallel: true,
  subject: ({ path = "." }, context) => fileSubject(path, context),
  run: async (input, context) => {
    const workspace = await openWorkspace(context.workspace);
    const path = input.path ?? ".";
    const { real } = await workspace.resolve(path);
    const wanted = filterOf(input, real, context);
    const { signal } = context;
    const finder = await createLineFinder(input.pattern, {
      ignoreCase: input["-i"] === true,
      multiline: input.multiline === true,
      signal,
    });
    let bound: string | null = null;
    const onBound = (reached: string): void => {
      bound ??= reached;
    };
    try {
      const entries = workspace.walk(path, { signal, skipFolders: foreignFolders, onBound });
      const answer = await collect(searchFiles(entries, finder, wanted), input);
      return { content: bound === null ? answer : `${answer}\nNot all files were searched: ${bound}.` };
    } finally {
      await finder.close();
    }
  },
});

function filterOf({ glob, type }: Input, root: string, context: ToolContext): (path: string) => boolean {
  const typeGlob = type === undefined ? undefined : globOfType(type);
  if (typeGlob === null) throw new ToolError(`The type ${type} is not known. There are ${knownTypes()}.`);
  const matchers = [glob === undefined ? undefined : anywhere(glob), typeGlob]
    .filter((one) => one !== undefined)
    .map(globMatcher);
  return (path) => {
    const below = path === root || root === "" ? path : path.slice(root.length + 1);
    return matchers.every((matches) => matches(below)) && context.mayRead?.(path) !== false;
  };
}

/** A glob without a folder is about names. */
const anywhere = (glob: string): string => (glob.includes("/") ? glob.replace(/^\.?\//, "") : `**/${glob}`);

async function collect(files: AsyncIterable<FileHits>, input: Input): Promise<string> {
  const most = input.head_limit === undefined || input.head_limit === 0 ? shownEntries : input.head_limit;
  const shown: string[] = [];
  for await (const file of files) {
    shown.push(...linesOf(file, input));
    if (shown.length > most)
      return [...shown.slice(0, most), `… there are more than these ${most}.`].join("\n");
  }
  return shown.length === 0 ? "No matches found." : shown.join("\n");
}

function linesOf(file: FileHits, input: Input): string[] {
  if (input.output_mode === "count") return [`${file.path}:${file.hits.length}`];
  if (input.output_mode !== "content") return [file.path];
  const around = input["-C"] ?? 0;
  return renderHits(file, {
    numbers: input["-n"] !== false,
    before: input["-B"] ?? around,
    after: input["-A"] ?? around,
  });
}
