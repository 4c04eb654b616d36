import type { Metrics } from "../../../ports/metrics.ts";

export interface TextMetrics extends Metrics {
  /** All numbers in the text format that Prometheus reads. */
  text(): string;
}

/** What each number is, for those who see it for the first time. */
const help: Readonly<Record<string, string>> = {
  muster_attempts: "Attempts whose outcome this node accepted.",
  muster_breakers: "Breakers that are in this state now, as this node knows.",
  muster_breaker_changes: "Changes of breakers to this state that this node heard of.",
  muster_queue: "Tasks in this state in the whole store, counted up to 100000.",
  muster_queue_measured:
    "1 where the store could be asked for the queue; at 0 what is said of the queue is old.",
  muster_retries: "Failed attempts after which this node let the task go on to the next one.",
  muster_tasks_finished: "Completed tasks that this node counted, by whether a person had a part in them.",
  muster_tasks_ended: "Tasks that this node saw to their end.",
};

/** Names and values come from agents, so there is a bound to how many of them are told apart in one family. */
const mostSeries = 500;
/** What the labels of all further ones say. */
const others = "other";
/** Characters of a label; what is longer is cut. */
const labelLength = 200;

/** Keeps numbers in memory, for a collector that asks for them. */
export function createTextMetrics(): TextMetrics {
  const families = new Map<string, { kind: "gauge" | "counter"; series: Map<string, number> }>();

  function change(
    name: string,
    kind: "gauge" | "counter",
    labels: Readonly<Record<string, string>>,
    next: (before: number) => number,
  ): void {
    const family = families.get(name) ?? { kind, series: new Map<string, number>() };
    const key = keyIn(family.series, labels);
    family.series.set(key, next(family.series.get(key) ?? 0));
    families.set(name, family);
  }

  return {
    gauge: (name, value, labels) => change(name, "gauge", labels, () => value),
    count: (name, labels, by = 1) => change(name, "counter", labels, (before) => before + by),
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

/** The series of these labels, or the one of all that there is no room for. */
function keyIn(series: ReadonlyMap<string, number>, labels: Readonly<Record<string, string>>): string {
  const key = labelsText(labels);
  if (series.has(key) || series.size < mostSeries) return key;
  return labelsText(Object.fromEntries(Object.keys(labels).map((name) => [name, others])));
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(
      ([name, value]) =>
        `${name}="${cut(value).replace(/[\\"\n]/g, (found) => (found === "\n" ? "\\n" : `\\${found}`))}"`,
    );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** By characters, never through the middle of one. */
const cut = (value: string): string =>
  value.length <= labelLength ? value : Array.from(value).slice(0, labelLength).join("");
