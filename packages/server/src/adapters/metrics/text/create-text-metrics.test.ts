import { expect, test } from "vitest";
import { createTextMetrics } from "./create-text-metrics.ts";

test("numbers are told in the format that Prometheus reads", () => {
  const metrics = createTextMetrics();
  expect(metrics.text()).toBe("");
  metrics.gauge("muster_breakers", 2, { state: "open" });
  metrics.gauge("muster_breakers", 1, { state: "open" });
  metrics.gauge("muster_breakers", 0, { state: "half_open" });
  metrics.count("muster_breaker_changes", { state: "open" });
  metrics.count("muster_breaker_changes", { state: "open" });
  metrics.count("plain", {});
  metrics.count("odd", { b: 'a"b\\c\nd', a: "1" });
  expect(
    metrics.text(),
  ).toBe(`# HELP muster_breaker_changes_total Changes of breakers to this state that this node heard of.
# TYPE muster_breaker_changes_total counter
muster_breaker_changes_total{state="open"} 2
# HELP muster_breakers Breakers that are in this state now, as this node knows.
# TYPE muster_breakers gauge
muster_breakers{state="half_open"} 0
muster_breakers{state="open"} 1
# TYPE odd_total counter
odd_total{a="1",b="a\\"b\\\\c\\nd"} 1
# TYPE plain_total counter
plain_total 1
`);
});

test("there are no more series than memory is meant for", () => {
  const metrics = createTextMetrics();
  for (let n = 0; n < 5_000; n++) metrics.count("n", { n: String(n), of: "agents" });
  metrics.count("n", { n: "7", of: "agents" }, 5);
  const lines = metrics.text().trim().split("\n");
  expect(lines).toHaveLength(502);
  // What there is no room for is not told apart, and not lost; what was there first goes on.
  expect(lines).toContain('n_total{n="other",of="other"} 4500');
  expect(lines).toContain('n_total{n="7",of="agents"} 6');
  // Each family has room of its own, so one that is flooded takes none from the others.
  metrics.count("m", { m: "1" });
  expect(metrics.text()).toContain('m_total{m="1"} 1\n');
});

test("a label is no longer than anybody reads", () => {
  const metrics = createTextMetrics();
  metrics.count("n", { n: "🙂".repeat(10_000) });
  expect(metrics.text()).toBe(`# TYPE n_total counter\nn_total{n="${"🙂".repeat(200)}"} 1\n`);
});
