import type { ClaudeFileReport } from "../../claude-agents.ts";
import type { CliStream } from "../cli-context.ts";
import { printable } from "./printable.ts";
import { renderTable } from "./table.ts";

const statuses = { loaded: "loaded", repaired: "loaded with repairs", not_loaded: "not loaded" } as const;

/** A line for each file of `.claude`, and below it what there is to say of it, one thing on each line. */
export function claudeTable({ colors, columns }: CliStream, reports: readonly ClaudeFileReport[]): string {
  const style = { loaded: colors.green, repaired: colors.yellow, not_loaded: colors.red };
  const table = renderTable(
    [
      { title: "FILE", value: (one: ClaudeFileReport) => shown(one), shrinks: true },
      { title: "KIND", value: (one) => one.kind },
      { title: "NAME", value: (one) => one.name ?? "", shrinks: true },
      {
        title: "MUSTER",
        value: (one) => statuses[one.status],
        style: (text, one) => style[one.status](text),
      },
      { title: "CLAUDE CODE", value: (one) => (one.claudeCode.loads ? "loads it" : "skips it") },
    ],
    reports,
    columns(),
    colors.dim,
  );
  // The table's own lines: a title, then one for each report.
  const [title = "", ...lines] = table.trimEnd().split("\n");
  const told = reports.flatMap((report, at) => [
    lines[at] ?? "",
    ...details(report).map((one) => `    ${one}`),
  ]);
  return `${[title, ...told].join("\n")}\n`;
}

const shown = ({ path, scope }: ClaudeFileReport): string => (scope === "user" ? `~/${path}` : path);

function details(report: ClaudeFileReport): string[] {
  const { refusal, repairs, unsupported, needsConsent, claudeCode } = report;
  const says = [
    ...(refusal === null ? [] : [`not loaded: ${refusal.why}`]),
    ...repairs.map((one) => `repaired: ${one}`),
    ...unsupported.map((one) => `not supported: ${one}`),
    ...needsConsent.map(withheld),
    ...(claudeCode.why === null || claudeCode.why === refusal?.why
      ? []
      : [`Claude Code ${claudeCode.loads ? "loads it" : "skips it"}: ${claudeCode.why}`]),
  ];
  return says.map((one) => printable(one));
}

/** What Muster does not do because a file says so, and how a person has it done. */
function withheld(what: string): string {
  if (what.startsWith("hooks:")) return `not run before \`muster hooks approve\`: ${what}`;
  if (what.startsWith("MCP servers")) return `not started before \`muster mcp approve\`: ${what}`;
  return `not without consent: ${what}`;
}

/** All files in one sentence. */
export function claudeSummary(reports: readonly ClaudeFileReport[]): string {
  const count = (status: ClaudeFileReport["status"]): number =>
    reports.filter((one) => one.status === status).length;
  const theirs = reports.filter(({ claudeCode }) => claudeCode.loads).length;
  const files = reports.length === 1 ? "1 file" : `${reports.length} files`;
  return `${files} of .claude: ${count("loaded")} loaded, ${count("repaired")} loaded with repairs, ${count("not_loaded")} not loaded; Claude Code would load ${theirs}`;
}
