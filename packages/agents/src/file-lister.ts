import { type AgentDefinition, MusterError, type TaskContext } from "@muster/sdk";
import Type, { type Static } from "typebox";
import { type IgnoreRules, parseIgnoreRules } from "./ignore-rules.ts";
import { jsonSchema } from "./json-schema.ts";
import { realFolder } from "./read-source.ts";
import { walkSources } from "./walk-sources.ts";

const closed = { additionalProperties: false } as const;
const Patterns = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { maxItems: 200, description });

const ListFilesInput = Type.Object(
  {
    path: Type.String({
      minLength: 1,
      maxLength: 4_096,
      description: "The folder; a relative path starts where the agent runs.",
    }),
    include: Type.Optional(Patterns("Only files that one of these matches, as in .gitignore.")),
    exclude: Type.Optional(Patterns("Files and folders to leave out, as in .gitignore.")),
    maxFiles: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 2_000 })),
  },
  closed,
);
type ListFilesInput = Static<typeof ListFilesInput>;

export const ListFilesOutput = Type.Object(
  {
    root: Type.String({ description: "Absolute path of the folder, symbolic links resolved." }),
    files: Type.Array(
      Type.Object(
        {
          path: Type.String({ description: "Relative to the root, with / between folders." }),
          bytes: Type.Integer({ minimum: 0 }),
          language: Type.Enum(["javascript", "jsx", "typescript", "tsx"]),
        },
        closed,
      ),
      { description: "Sorted by path." },
    ),
    skipped: Type.Array(Type.Object({ path: Type.String(), reason: Type.String() }, closed), {
      description: "Sources and folders that were left out for another reason than .gitignore or a request.",
    }),
  },
  closed,
);
export type ListFilesOutput = Static<typeof ListFilesOutput>;

/** The agent that finds the JavaScript and TypeScript sources of a folder. */
export const createFileLister = (): AgentDefinition => ({
  name: "file-lister",
  description: "Lists the JavaScript and TypeScript sources of a folder without running anything in it.",
  maxConcurrency: 2,
  capabilities: [
    {
      name: "list_files",
      description:
        "Lists sources below a folder, sorted; honours .gitignore, leaves out dependencies and output.",
      inputSchema: jsonSchema(ListFilesInput),
      outputSchema: jsonSchema(ListFilesOutput),
      tools: ["filesystem"],
      cost: 0,
      meanDurationMs: 200,
      handler: listFiles,
    },
  ],
});

const listFiles = async (context: TaskContext<ListFilesInput>): Promise<ListFilesOutput> => {
  const { path, include, exclude, maxFiles = 2_000 } = context.input;
  const root = await realFolder(path);
  let folders = 0;
  const listing = await walkSources(root, {
    maxFiles,
    include: patternsOf("include", include),
    exclude: patternsOf("exclude", exclude),
    signal: context.signal,
    onFolder: (folder, files) => {
      folders += 1;
      if (folders % 100 === 0) context.log("debug", `${files} files so far`, { folder });
    },
  });
  context.log("info", `${listing.files.length} source files in ${folders} folders`, {
    root,
    skipped: listing.skipped.length,
  });
  return { root, ...listing };
};

const patternsOf = (name: string, patterns: string[] | undefined): IgnoreRules | undefined => {
  if (patterns === undefined || patterns.length === 0) return undefined;
  const rules = parseIgnoreRules(patterns);
  const [first] = rules.refused;
  if (first === undefined) return rules;
  throw new MusterError("invalid_input", `The ${name} pattern ${first.pattern} has ${first.reason}.`, {
    hint: "Split it into simpler patterns.",
  });
};
