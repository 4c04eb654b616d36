import type { Metrics } from "../../../ports/metrics.ts";

export interface TextMetrics extends Metrics {
  /** All numbers in the text format that Prometheus reads. */
  text(): string;
}

/** What each number is, for those who see it for the first time. */
const help: Readonly<Record<string, string>> = {
  muster_breakers: "Breakers that are in this state now, as this node knows.",
  muster_breaker_changes: "Changes of breakers to this state that this node heard of.",
};

/** Series that are kept; of more, which only a fault makes, nothing is told. */
const mostSeries = 1_000;

/** Keeps numbers in memory, for a collector that asks for them. */
export function createTextMetrics(): TextMetrics {
  const families = new Map<string, { kind: "gauge" | "counter"; series: Map<string, number> }>();
  let count = 0;

  function change(
    name: string,
    kind: "gauge" | "counter",
    labels: Readonly<Record<string, string>>,
    next: (before: number) => number,
  ): void {
    const family = families.get(name) ?? { kind, series: new Map<string, number>() };
    const key = labelsText(labels);
    const before = family.series.get(key);
    if (before === undefined && ++count > mostSeries) return;
    family.series.set(key, next(before ?? 0));
    families.set(name, family);
  }

  return {
    gauge: (name, value, labels) => change(name, "gauge", labels, () => value),
    count: (name, labels) => change(name, "counter", labels, (before) => before + 1),
    text: () =>
      [...families]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, { kind, series }]) => {
          const full = kind === "counter" ? `${name}_total` : name;
          const lines = [...series].sort().map(([labels, value]) => `${full}${labels} ${value}\n`);
          const about = help[name] === undefined ? "" : `# HELP ${full} ${help[name]}\n`;
          return `${about}# TYPE ${full} ${kind}\n${lines.join("")}`;
        })
        .join(""),
  };
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(
      ([name, value]) =>
        `${name}="${value.replace(/[\\"\n]/g, (found) => (found === "\n" ? "\\n" : `\\${found}`))}"`,
    );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
