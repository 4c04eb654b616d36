import type { AgentDefinition, TaskContext, TaskResult } from "@muster/sdk";
import Type, { type Static } from "typebox";
import { renderApiDocumentation } from "./api-markdown.ts";
import { clip } from "./clip.ts";
import { jsonSchema } from "./json-schema.ts";
import type { CodeOutlineOutput } from "./outliner.ts";

const closed = { additionalProperties: false } as const;
const Count = (description: string) => Type.Integer({ minimum: 0, description });

/** Outlines asked for at once: their results come back in one answer, which has to stay small. */
const batchSize = 20;
const maxListed = 500;

const DocumentationInput = Type.Object(
  {
    root: Type.String({ minLength: 1, maxLength: 4_096, description: "The folder that holds the files." }),
    files: Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), {
      maxItems: 10_000,
      description: "Relative to the root; documented in this order.",
    }),
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 200, default: "API documentation" })),
    maxBytes: Type.Optional(
      Type.Integer({
        minimum: 1_024,
        maximum: 384 * 1024,
        default: 96 * 1024,
        description: "Of the Markdown.",
      }),
    ),
  },
  closed,
);
type DocumentationInput = Static<typeof DocumentationInput>;

export const DocumentationOutput = Type.Object(
  {
    markdown: Type.String(),
    documented: Count("Exports that have a comment."),
    undocumented: Type.Array(Type.String(), {
      description: "Exports without a comment as `file: name`, the first 500; re-exports do not count.",
    }),
    undocumentedTotal: Count("All of them."),
    failed: Type.Array(Type.Object({ file: Type.String(), reason: Type.String() }, closed), {
      description: "Files of which nothing is known, the first 500, and why.",
    }),
    failedTotal: Count("All of them."),
  },
  closed,
);
export type DocumentationOutput = Static<typeof DocumentationOutput>;

/** The agent that writes API documentation; for every file it asks whoever offers `code_outline`. */
export const createDocumenter = (): AgentDefinition => ({
  name: "documenter",
  description: "Writes API documentation from exports and comments, which other agents outline for it.",
  maxConcurrency: 2,
  capabilities: [
    {
      name: "documentation_generation",
      description: "Writes Markdown API documentation of source files from their exports and comments.",
      inputSchema: jsonSchema(DocumentationInput),
      outputSchema: jsonSchema(DocumentationOutput),
      tools: ["delegation"],
      cost: 0,
      meanDurationMs: 5_000,
      handler: generateDocumentation,
    },
  ],
});

const generateDocumentation = async (
  context: TaskContext<DocumentationInput>,
): Promise<DocumentationOutput> => {
  const { files, title = "API documentation", maxBytes = 96 * 1024 } = context.input;
  const { outlines, failed } = await outlineAll(context);
  const exports = outlines.flatMap(({ file, exports }) =>
    exports.filter(({ kind }) => kind !== "re-export").map((one) => ({ file, ...one })),
  );
  const undocumented = exports.filter(({ comment }) => comment === undefined);
  const { markdown, filesLeftOut } = renderApiDocumentation(title, outlines, maxBytes);
  context.log("info", `${exports.length} exports in ${files.length} files`, {
    undocumented: undocumented.length,
    failed: failed.length,
    filesLeftOut,
  });
  return {
    markdown,
    documented: exports.length - undocumented.length,
    undocumented: undocumented.slice(0, maxListed).map(({ file, name }) => clip(`${file}: ${name}`, 300)),
    undocumentedTotal: undocumented.length,
    failed: failed.slice(0, maxListed),
    failedTotal: failed.length,
  };
};

interface Outlined {
  outlines: CodeOutlineOutput[];
  failed: { file: string; reason: string }[];
}

/** Outlines every file through other agents, batch by batch; a file that fails does not stop the others. */
const outlineAll = async (context: TaskContext<DocumentationInput>): Promise<Outlined> => {
  const { root, files } = context.input;
  const result: Outlined = { outlines: [], failed: [] };
  for (let start = 0; start < files.length; start += batchSize) {
    context.signal.throwIfAborted();
    const batch = files.slice(start, start + batchSize);
    const tasks = batch.map((file) => ({
      name: clip(`Outline ${file}`, 120),
      capability: "code_outline",
      input: { root, file },
    }));
    const results = await context.delegateAll(tasks, { key: `outline-${start}` });
    for (const [index, file] of batch.entries()) sortIn(result, file, results[index]);
    const done = Math.min(start + batchSize, files.length);
    context.progress(done / files.length, `${done} of ${files.length} files outlined`);
  }
  return result;
};

const sortIn = (into: Outlined, file: string, result: TaskResult | undefined): void => {
  const outline = result?.status === "completed" ? (result.output as CodeOutlineOutput) : undefined;
  if (outline === undefined) {
    into.failed.push({ file, reason: clip(result?.error?.message ?? "its outline was cancelled", 300) });
  } else if (outline.exports.length === 0 && outline.problems !== undefined) {
    into.failed.push({ file, reason: clip(outline.problems.join("; "), 300) });
  } else {
    into.outlines.push(outline);
  }
};
