import { type AgentDefinition, MusterError, type TaskContext } from "@muster/sdk";
import Type, { type Static } from "typebox";
import { clip } from "./clip.ts";
import { jsonSchema } from "./json-schema.ts";
import { createLocator, type Diagnostic, lint } from "./oxlint.ts";
import { readSource } from "./read-source.ts";

const closed = { additionalProperties: false } as const;
const Count = Type.Integer({ minimum: 0 });

const CodeReviewInput = Type.Object(
  {
    root: Type.String({ minLength: 1, maxLength: 4_096, description: "The folder that holds the file." }),
    file: Type.String({ minLength: 1, maxLength: 4_096, description: "Relative to the root." }),
    maxFindings: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 500,
        default: 50,
        description: "Findings to list; all are counted.",
      }),
    ),
  },
  closed,
);
type CodeReviewInput = Static<typeof CodeReviewInput>;

export const Finding = Type.Object(
  {
    rule: Type.String({ description: "Such as `eslint/no-debugger`, or `syntax-error`." }),
    severity: Type.Enum(["error", "warning", "info"]),
    message: Type.String(),
    line: Type.Integer({ minimum: 1 }),
    column: Type.Integer({ minimum: 1 }),
    help: Type.Optional(Type.String({ description: "What to do about it." })),
  },
  closed,
);
export type Finding = Static<typeof Finding>;

export const CodeReviewOutput = Type.Object(
  {
    file: Type.String(),
    findings: Type.Array(Finding, { description: "By line; the most severe ones where not all are listed." }),
    counts: Type.Object({ error: Count, warning: Count, info: Count }, closed),
    unreviewed: Type.Optional(
      Type.String({ description: "Why the file could not be reviewed; there are no findings then." }),
    ),
  },
  closed,
);
export type CodeReviewOutput = Static<typeof CodeReviewOutput>;

/** The agent that reviews one source file with oxlint. */
export const createCodeReviewer = (): AgentDefinition => ({
  name: "code-reviewer",
  description: "Finds faults in JavaScript and TypeScript with oxlint, never with rules of the repository.",
  // Tasks at the same time share processes of the linter, of which there are two at most.
  maxConcurrency: 16,
  capabilities: [
    {
      name: "code_review",
      description:
        "Finds faults in one source file: what is wrong, where, how severe, and what to do about it.",
      inputSchema: jsonSchema(CodeReviewInput),
      outputSchema: jsonSchema(CodeReviewOutput),
      tools: ["filesystem", "oxlint"],
      cost: 0,
      meanDurationMs: 200,
      handler: reviewCode,
    },
  ],
});

const reviewCode = async (context: TaskContext<CodeReviewInput>): Promise<CodeReviewOutput> => {
  const { root, file, maxFindings = 50 } = context.input;
  const source = await readSource(root, file);
  if (source.text === undefined) return unreviewed(context, source.unreadable);
  const diagnostics = await lint({ file, text: source.text }, context.signal).catch(refusalOf);
  if (typeof diagnostics === "string") return unreviewed(context, diagnostics);
  if (diagnostics === undefined) return unreviewed(context, "the linter crashed on it");
  const counts = { error: 0, warning: 0, info: 0 };
  for (const { severity } of diagnostics) counts[severity] += 1;
  const locate = createLocator(source.text);
  const findings = mostSevere(diagnostics, maxFindings).map((one) => toFinding(one, locate(one.offset)));
  return { file, findings, counts };
};

const refusalOf = (error: unknown): string => {
  if (error instanceof MusterError && error.code === "limit_exceeded")
    return "the linter finds too much in it";
  throw error;
};

/** A file that cannot be reviewed is a result, not a failure: trying again would change nothing. */
const unreviewed = (context: TaskContext<CodeReviewInput>, reason: string): CodeReviewOutput => {
  const { file } = context.input;
  context.log("warn", `Not reviewed: ${reason}`, { file });
  return { file, findings: [], counts: { error: 0, warning: 0, info: 0 }, unreviewed: reason };
};

const rank = { error: 0, warning: 1, info: 2 } as const;

const mostSevere = (diagnostics: readonly Diagnostic[], count: number): Diagnostic[] =>
  [...diagnostics]
    .sort((a, b) => rank[a.severity] - rank[b.severity] || byPlace(a, b))
    .slice(0, count)
    .sort(byPlace);

const byPlace = (a: Diagnostic, b: Diagnostic): number =>
  a.offset - b.offset || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0);

/** Names and texts of the source stand in messages, so they are cut to a length that people read. */
const toFinding = (
  { rule, severity, message, help }: Diagnostic,
  place: { line: number; column: number },
): Finding => ({
  rule: clip(rule, 100),
  severity,
  message: clip(message, 300),
  ...place,
  ...(help === undefined || help === "" ? {} : { help: clip(help, 200) }),
});
