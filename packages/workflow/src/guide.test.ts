import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatProblem } from "./problems.ts";
import { parseWorkflow } from "./read-workflow.ts";
import { WorkflowDocument } from "./workflow-schema.ts";

const guide = readFileSync(new URL("../../../docs/workflows.md", import.meta.url), "utf8");
const samples = [...guide.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text!);

describe("docs/workflows.md", () => {
  it("has samples", () => expect(samples.length).toBeGreaterThan(3));

  it.each(samples)("shows a workflow that is accepted: %s", (text) => {
    expect(parseWorkflow(text).problems.map((problem) => formatProblem(problem, "sample"))).toEqual([]);
  });

  it("lists every key", () => {
    const { properties } = WorkflowDocument;
    const step = Object.values(properties.steps.patternProperties)[0]!;
    for (const key of [...Object.keys(properties), ...Object.keys(step.properties)]) {
      expect(guide).toMatch(new RegExp(`^\\| \`${key}\` \\|`, "m"));
    }
  });
});
