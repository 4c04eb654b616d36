import { quantile } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import type { SystemName } from "./systems.ts";

/** The rounds of one figure of one system in one scenario. */
export interface Series {
  scenario: string;
  system: SystemName;
  figure: string;
  unit: string;
  better: "higher" | "lower";
  values: number[];
  target: number | null;
}

export const medianOf = (values: readonly number[]): number => quantile(values, 0.5);

const show = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);

/** How often better the first Muster on servers is than this one: above 1 Muster is ahead. */
function ratioTo(series: Series, all: readonly Series[]): string {
  const muster = all.find(
    (other) =>
      other.system === "muster-postgres" &&
      other.scenario === series.scenario &&
      other.figure === series.figure,
  );
  if (muster === undefined || series.system === "muster-postgres") return "";
  const [ours, theirs] = [medianOf(muster.values), medianOf(series.values)];
  return `${show(series.better === "higher" ? ours / theirs : theirs / ours)}×`;
}

function verdict({ target, values, better }: Series): string {
  if (target === null) return "";
  const value = medianOf(values);
  const met = better === "higher" ? value >= target : value <= target;
  return `${better === "higher" ? "≥" : "≤"} ${show(target)} ${met ? "met" : "MISSED"}`;
}

/** A Markdown table per scenario: medians, the lowest and highest round, ratios, targets. */
export function renderReport(all: readonly Series[], titleOf: (system: SystemName) => string): string {
  const sections = Object.entries(scenarios).map(([name, scenario]) => {
    const rows = all.filter((series) => series.scenario === name);
    if (rows.length === 0) return "";
    const lines = rows.map((series) =>
      [
        titleOf(series.system),
        `${series.figure}, ${series.unit}`,
        show(medianOf(series.values)),
        `${show(Math.min(...series.values))} – ${show(Math.max(...series.values))}`,
        ratioTo(series, all),
        verdict(series),
      ].join(" | "),
    );
    const head = "| system | figure | median | lowest – highest | Muster on PostgreSQL is | target |";
    return [
      `### ${name}: ${scenario.title}`,
      "",
      head,
      "|---|---|---:|---|---:|---|",
      ...lines.map((l) => `| ${l} |`),
      "",
    ].join("\n");
  });
  return sections.filter((section) => section !== "").join("\n");
}
