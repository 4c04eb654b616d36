import type { AgentDefinition, TaskContext } from "@muster/sdk";
import Type, { type Static } from "typebox";
import { clip } from "./clip.ts";
import type { OutlinedExport } from "./describe-export.ts";
import { jsonSchema } from "./json-schema.ts";
import { outlineSource } from "./outline-source.ts";
import { type ParsedSource, parseSource } from "./parse-source.ts";
import { readSource } from "./read-source.ts";
import { createSourceText } from "./source-text.ts";

const closed = { additionalProperties: false } as const;

/** Bytes of the JSON text of one outline's exports, so that many outlines fit into one answer. */
const maxExportBytes = 32 * 1024;

const CodeOutlineInput = Type.Object(
  {
    root: Type.String({ minLength: 1, maxLength: 4_096, description: "The folder that holds the file." }),
    file: Type.String({ minLength: 1, maxLength: 4_096, description: "Relative to the root." }),
  },
  closed,
);
type CodeOutlineInput = Static<typeof CodeOutlineInput>;

const Export = Type.Object(
  {
    name: Type.String({ description: "As importers write it; members of a class as `Class.member`." }),
    kind: Type.Enum([
      "function",
      "class",
      "constructor",
      "method",
      "accessor",
      "constant",
      "variable",
      "type",
      "interface",
      "enum",
      "namespace",
      "value",
      "re-export",
    ]),
    signature: Type.String({ description: "Its declaration in one line, without its body." }),
    comment: Type.Optional(
      Type.String({ description: "The JSDoc comment in front of it, without its stars." }),
    ),
    line: Type.Integer({ minimum: 1 }),
  },
  closed,
);

export const CodeOutlineOutput = Type.Object(
  {
    file: Type.String(),
    exports: Type.Array(Export, { description: "In the order of the text." }),
    imports: Type.Array(Type.String(), { description: "What it imports or requires, sorted." }),
    problems: Type.Optional(
      Type.Array(Type.String(), { description: "Why there are no exports, or not all of them." }),
    ),
  },
  closed,
);
export type CodeOutlineOutput = Static<typeof CodeOutlineOutput>;

/** The agent that says what a source file exports. */
export const createOutliner = (): AgentDefinition => ({
  name: "outliner",
  description: "Lists what a JavaScript or TypeScript file exports, with signatures and comments.",
  maxConcurrency: 4,
  capabilities: [
    {
      name: "code_outline",
      description:
        "Lists the exports of one source file (ES module or CommonJS) with signatures and JSDoc comments.",
      inputSchema: jsonSchema(CodeOutlineInput),
      outputSchema: jsonSchema(CodeOutlineOutput),
      tools: ["filesystem", "oxc-parser"],
      cost: 0,
      meanDurationMs: 200,
      handler: outlineCode,
    },
  ],
});

const outlineCode = async (context: TaskContext<CodeOutlineInput>): Promise<CodeOutlineOutput> => {
  const { root, file } = context.input;
  const source = await readSource(root, file);
  if (source.text === undefined) return withoutExports(file, `could not be read: ${source.unreadable}`);
  const parsed = await parseSource({ file, text: source.text }, context.signal);
  if (parsed === undefined) return withoutExports(file, "could not be read: the parser crashed on it");
  if (parsed.errors.length > 0) return withoutExports(file, ...syntaxErrors(source.text, parsed));
  return bounded(
    file,
    outlineSource(source.text, parsed),
    parsed.imports.map((name) => clip(name, 200)),
  );
};

const withoutExports = (file: string, ...problems: string[]): CodeOutlineOutput => ({
  file,
  exports: [],
  imports: [],
  problems,
});

const syntaxErrors = (text: string, parsed: ParsedSource): string[] => {
  const source = createSourceText(text, []);
  return parsed.errors.map(({ message, start }) => `line ${source.lineOf(start)}: ${clip(message, 300)}`);
};

const bounded = (file: string, exports: OutlinedExport[], imports: string[]): CodeOutlineOutput => {
  let bytes = 0;
  const fitting = exports.filter((one) => {
    bytes += Buffer.byteLength(JSON.stringify(one)) + 1;
    return bytes <= maxExportBytes;
  });
  const isWhole = fitting.length === exports.length;
  const problems = isWhole ? {} : { problems: ["only the first exports are listed: there are too many"] };
  return { file, exports: fitting, imports: imports.slice(0, 200), ...problems };
};
