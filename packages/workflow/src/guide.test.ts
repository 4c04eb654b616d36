import { readFileSync } from "node:fs";
import { limits } from "@muster/sdk/protocol";
import { describe, expect, it } from "vitest";
import { formatProblem } from "./problems.ts";
import { parseWorkflow } from "./read-workflow.ts";
import { workflowLimits } from "./workflow-limits.ts";
import { WorkflowDocument } from "./workflow-schema.ts";

const guide = readFileSync(new URL("../../../docs/workflows.md", import.meta.url), "utf8");
const samples = [...guide.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text!);

describe("docs/workflows.md", () => {
  it("has samples", () => expect(samples.length).toBeGreaterThan(3));

  it.each(samples)("shows a workflow that is accepted: %s", (text) => {
    expect(parseWorkflow(text).problems.map((problem) => formatProblem(problem, "sample"))).toEqual([]);
  });

  it("names the bounds as they are", () => {
    const bounds = [
      `results of ${limits.payloadBytes / 1024 ** 2} MiB and ${limits.jsonDepth} levels`,
      `expressions of ${workflowLimits.expressionLength.toLocaleString("en")} characters`,
      `lists of ${workflowLimits.iteratedItems.toLocaleString("en")} items`,
      `at most ${workflowLimits.steps.toLocaleString("en")}`,
      `at most ${workflowLimits.documentBytes / 1024} KiB`,
      `${workflowLimits.documentValues.toLocaleString("en")} values`,
      `${workflowLimits.aliases} YAML aliases`,
    ];
    for (const bound of bounds) expect(guide.replaceAll("\n", " ")).toContain(bound);
    expect(workflowLimits.evaluationUnits).toBe(1_000_000);
  });

  it("lists every key", () => {
    const { properties } = WorkflowDocument;
    const step = Object.values(properties.steps.patternProperties)[0]!;
    for (const key of [...Object.keys(properties), ...Object.keys(step.properties)]) {
      expect(guide).toMatch(new RegExp(`^\\| \`${key}\` +\\|`, "m"));
    }
  });
});
