import type { CodeReviewOutput, Finding } from "./code-reviewer.ts";
import type { DocumentationOutput } from "./documenter.ts";
import type { ListFilesOutput } from "./file-lister.ts";
import { codeCell, codeSpan, plainText, prose } from "./markdown.ts";

/** Everything that a report says, sorted and counted. */
export interface ReportFacts {
  title: string;
  root: string;
  writtenAt: Date;
  listing: ListFilesOutput;
  reviewed: CodeReviewOutput[];
  unreviewed: { file: string; reason: string }[];
  documentation: DocumentationOutput | undefined;
  findings: number;
  bySeverity: Record<Severity, number>;
  rules: { rule: string; count: number }[];
}

type Severity = Finding["severity"];

const severities: readonly Severity[] = ["error", "warning", "info"];
const headings: Readonly<Record<Severity, string>> = { error: "Errors", warning: "Warnings", info: "Notes" };
const maxRules = 15;
const maxSkipped = 50;

/** The report as Markdown. Nothing that comes from the repository can become markup in it. */
export const renderReport = (facts: ReportFacts): string =>
  [
    head(facts),
    ...severities.map((severity) => findingsSection(severity, facts.reviewed)),
    rulesSection(facts),
    filesSection(facts),
    unreviewedSection(facts),
    skippedSection(facts),
    documentationSection(facts),
  ]
    .filter((section) => section !== "")
    .join("\n\n")
    .concat("\n");

const head = (facts: ReportFacts): string => {
  const { listing, bySeverity, reviewed, unreviewed, documentation } = facts;
  const bytes = listing.files.reduce((sum, file) => sum + file.bytes, 0);
  const withFindings = reviewed.filter((review) => total(review) > 0).length;
  const rows = [
    ["Folder", codeCell(facts.root)],
    ["Written", facts.writtenAt.toISOString().replace("T", " ").replace(/\..*$/, " UTC")],
    ["Files", `${listing.files.length} (${languages(listing)}; ${Math.ceil(bytes / 1024)} KiB)`],
    ["Reviewed", `${reviewed.length}, ${withFindings} with findings`],
    ...(unreviewed.length === 0 ? [] : [["Not reviewed", `${unreviewed.length}, see below`]]),
    [
      "Findings",
      `**${facts.findings}**: ${plural(bySeverity.error, "error")}, ${plural(bySeverity.warning, "warning")}, ${plural(bySeverity.info, "note")}`,
    ],
    ["Exports", documentation === undefined ? "not documented" : exportsCell(documentation)],
  ];
  return [`# ${plainText(facts.title)}`, "", table(["", ""], rows)].join("\n");
};

const languages = (listing: ListFilesOutput): string => {
  const counts = new Map<string, number>();
  for (const { language } of listing.files) counts.set(language, (counts.get(language) ?? 0) + 1);
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted.map(([language, count]) => `${count} ${language}`).join(", ") || "none";
};

const exportsCell = ({ documented, undocumentedTotal }: DocumentationOutput): string => {
  const all = documented + undocumentedTotal;
  return all === 0
    ? "none"
    : `${all}, ${documented} with a comment (${Math.round((documented / all) * 100)} %)`;
};

const findingsSection = (severity: Severity, reviewed: readonly CodeReviewOutput[]): string => {
  const count = reviewed.reduce((sum, review) => sum + review.counts[severity], 0);
  if (count === 0) return "";
  const files = reviewed.flatMap((review) => findingsOfFile(severity, review));
  return [`## ${headings[severity]} (${count})`, ...files].join("\n\n");
};

const findingsOfFile = (severity: Severity, { file, findings, counts }: CodeReviewOutput): string[] => {
  if (counts[severity] === 0) return [];
  const listed = findings.filter((finding) => finding.severity === severity);
  const more = counts[severity] - listed.length;
  const lines = listed.map(({ line, column, rule, message, help }) => {
    const advice = help === undefined ? "" : ` *${prose(help)}*`;
    return `- **${line}:${column}** ${prose(message)} (${codeSpan(rule)})${advice}`;
  });
  const rest = more > 0 ? [`- …and ${more} more that are not listed`] : [];
  return [[`### ${codeSpan(file)}`, "", ...lines, ...rest].join("\n")];
};

const rulesSection = ({ rules, findings }: ReportFacts): string => {
  if (rules.length === 0) return "";
  const listed = rules.reduce((sum, { count }) => sum + count, 0);
  const basis = listed < findings ? `\n\nCounted over the ${listed} findings that are listed.` : "";
  const rows = rules.slice(0, maxRules).map(({ rule, count }) => [ruleCell(rule), String(count)]);
  const more = rules.length > maxRules ? `\n\n…and ${rules.length - maxRules} more rules.` : "";
  return `## Most frequent rules\n\n${table(["Rule", "Findings"], rows, "right")}${more}${basis}`;
};

const ruleCell = (rule: string): string =>
  /^[a-z-]+\/[a-z0-9-]+$/.test(rule)
    ? `[${codeCell(rule)}](https://oxc.rs/docs/guide/usage/linter/rules/${rule}.html)`
    : codeCell(rule);

const filesSection = ({ reviewed }: ReportFacts): string => {
  const withFindings = reviewed.filter((review) => total(review) > 0);
  const clean = reviewed.length - withFindings.length;
  const sorted = [...withFindings].sort(
    (a, b) => b.counts.error - a.counts.error || total(b) - total(a) || (a.file < b.file ? -1 : 1),
  );
  const rows = sorted.map(({ file, counts }) => [
    codeCell(file),
    ...severities.map((severity) => String(counts[severity])),
  ]);
  const summary = clean === 0 ? "" : `${plural(clean, "file")} without findings.`;
  const body = rows.length === 0 ? "" : table(["File", "Errors", "Warnings", "Notes"], rows, "right");
  return ["## Files", body, summary || (body === "" ? "No file was reviewed." : "")]
    .filter(Boolean)
    .join("\n\n");
};

const unreviewedSection = ({ unreviewed }: ReportFacts): string => {
  if (unreviewed.length === 0) return "";
  const rows = unreviewed.map(({ file, reason }) => [codeCell(file), plainText(reason)]);
  return `## Files that could not be reviewed (${unreviewed.length})\n\n${table(["File", "Why"], rows)}`;
};

const skippedSection = ({ listing: { skipped } }: ReportFacts): string => {
  if (skipped.length === 0) return "";
  const rows = skipped.slice(0, maxSkipped).map(({ path, reason }) => [codeCell(path), plainText(reason)]);
  const more = skipped.length > maxSkipped ? `\n\n…and ${skipped.length - maxSkipped} more.` : "";
  return `## Left out of the review (${skipped.length})\n\n${table(["Path", "Why"], rows)}${more}`;
};

const documentationSection = ({ documentation }: ReportFacts): string => {
  if (documentation === undefined) return "";
  const failed = documentation.failed.map(({ file, reason }) => `- ${codeSpan(file)}: ${plainText(reason)}`);
  const gaps =
    failed.length === 0 ? "" : `\n\nNot documented (${documentation.failedTotal}):\n\n${failed.join("\n")}`;
  return demoteHeadings(documentation.markdown).trimEnd() + gaps;
};

/** One level down, so that a document becomes a section; lines between code fences stay as they are. */
const demoteHeadings = (markdown: string): string => {
  let fence: string | undefined;
  return markdown
    .split("\n")
    .map((line) => {
      const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
      if (fence === undefined) fence = mark;
      else if (mark?.startsWith(fence) === true && line.trim() === mark) fence = undefined;
      return fence === undefined && mark === undefined && /^#{1,5} /.test(line) ? `#${line}` : line;
    })
    .join("\n");
};

const table = (header: readonly string[], rows: readonly (readonly string[])[], numbers?: "right"): string =>
  [header, header.map((_, column) => (numbers === "right" && column > 0 ? "---:" : "---")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");

const total = ({ counts }: CodeReviewOutput): number => counts.error + counts.warning + counts.info;

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;
