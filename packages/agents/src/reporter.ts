import type { AgentDefinition, TaskContext } from "@muster/sdk";
import Type, { type Static } from "typebox";
import { CodeReviewOutput } from "./code-reviewer.ts";
import { DocumentationOutput } from "./documenter.ts";
import { ListFilesOutput } from "./file-lister.ts";
import { jsonSchema } from "./json-schema.ts";
import { type ReportFacts, renderReport } from "./render-report.ts";
import { reportPath, writeReport } from "./report-file.ts";

const closed = { additionalProperties: false } as const;
const Count = Type.Integer({ minimum: 0 });

export const ReportInput = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    root: Type.String({ minLength: 1, maxLength: 4_096, description: "The folder that was reviewed." }),
    listing: ListFilesOutput,
    reviews: Type.Array(Type.Union([CodeReviewOutput, Type.Null()]), {
      maxItems: 10_000,
      description: "In the order of the listing's files; null for a file whose review failed.",
    }),
    documentation: Type.Optional(
      Type.Union([DocumentationOutput, Type.Null()], { description: "Null when it failed." }),
    ),
    to: Type.Optional(
      Type.String({
        maxLength: 4_096,
        description:
          "Where to write: a path that ends in .md. Empty or absent: a new file in .muster/reports.",
      }),
    ),
  },
  closed,
);
export type ReportInput = Static<typeof ReportInput>;

export const ReportOutput = Type.Object(
  {
    path: Type.String({ description: "Absolute path of the report." }),
    summary: Type.Object(
      {
        files: Count,
        reviewed: Count,
        unreviewed: Count,
        filesWithFindings: Count,
        findings: Count,
        bySeverity: Type.Object({ error: Count, warning: Count, info: Count }, closed),
        documentedExports: Count,
        undocumentedExports: Count,
      },
      closed,
    ),
  },
  closed,
);
export type ReportOutput = Static<typeof ReportOutput>;

export interface ReporterOptions {
  /** The time that stands in the report and in its name; the system's by default. */
  clock?: () => Date;
  /** Where relative paths and `.muster/reports` begin; the folder of the process by default. */
  cwd?: string;
}

/** The agent that joins reviews and documentation into one Markdown file. */
export const createReporter = (options: ReporterOptions = {}): AgentDefinition => ({
  name: "reporter",
  description: "Joins a listing, reviews and documentation into one Markdown report on disk.",
  maxConcurrency: 2,
  capabilities: [
    {
      name: "report",
      description: "Writes one Markdown report of a review and says where it is and what it counted.",
      inputSchema: jsonSchema(ReportInput),
      outputSchema: jsonSchema(ReportOutput),
      tools: ["filesystem"],
      cost: 0,
      meanDurationMs: 100,
      handler: (context: TaskContext<ReportInput>) => report(context, options),
    },
  ],
});

const report = async (context: TaskContext<ReportInput>, options: ReporterOptions): Promise<ReportOutput> => {
  const { clock = () => new Date(), cwd = process.cwd() } = options;
  const { input } = context;
  // The time is journaled, so that a second attempt writes the same file again and not one more.
  const writtenAt = new Date(await context.step("time", () => clock().toISOString()));
  const facts = factsOf(input, writtenAt);
  const name = `${slug(input.title)}-${stamp(writtenAt)}-${context.taskId.slice(-6)}.md`;
  const path = await reportPath(cwd, input.to === "" ? undefined : input.to, name);
  context.signal.throwIfAborted();
  await writeReport(path, renderReport(facts));
  context.log("info", `Report written to ${path}`, { findings: facts.findings });
  return { path, summary: summaryOf(facts) };
};

const factsOf = (input: ReportInput, writtenAt: Date): ReportFacts => {
  const { title, root, listing, reviews } = input;
  const done = reviews.filter((review) => review !== null);
  const reviewed = done.filter(({ unreviewed }) => unreviewed === undefined);
  const bySeverity = { error: 0, warning: 0, info: 0 };
  const rules = new Map<string, number>();
  for (const { counts, findings } of reviewed) {
    bySeverity.error += counts.error;
    bySeverity.warning += counts.warning;
    bySeverity.info += counts.info;
    for (const { rule } of findings) rules.set(rule, (rules.get(rule) ?? 0) + 1);
  }
  return {
    title,
    root,
    writtenAt,
    listing,
    reviewed,
    unreviewed: unreviewedOf(input),
    documentation: input.documentation ?? undefined,
    findings: bySeverity.error + bySeverity.warning + bySeverity.info,
    bySeverity,
    rules: [...rules]
      .map(([rule, count]) => ({ rule, count }))
      .sort((a, b) => b.count - a.count || (a.rule < b.rule ? -1 : 1)),
  };
};

/** Every listed file without a review, and why: what the reviewer said, or that its task failed. */
const unreviewedOf = ({ listing, reviews }: ReportInput): ReportFacts["unreviewed"] => {
  const byFile = new Map(reviews.flatMap((review) => (review === null ? [] : [[review.file, review]])));
  return listing.files.flatMap(({ path }) => {
    const review = byFile.get(path);
    if (review === undefined) return [{ file: path, reason: "its review failed; see the tasks of the run" }];
    return review.unreviewed === undefined ? [] : [{ file: path, reason: review.unreviewed }];
  });
};

const summaryOf = ({ listing, reviewed, unreviewed, findings, bySeverity, documentation }: ReportFacts) => ({
  files: listing.files.length,
  reviewed: reviewed.length,
  unreviewed: unreviewed.length,
  filesWithFindings: reviewed.filter(({ counts }) => counts.error + counts.warning + counts.info > 0).length,
  findings,
  bySeverity,
  documentedExports: documentation?.documented ?? 0,
  undocumentedExports: documentation?.undocumentedTotal ?? 0,
});

const slug = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 60)
    .replace(/^-+|-+$/g, "") || "report";

/** Such as 2026-11-22-163805, in UTC. */
const stamp = (date: Date): string => date.toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
