import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MusterError } from "@muster/sdk";
import { checkInputs, parseWorkflow } from "@muster/workflow";
import { afterAll, describe, expect, it } from "vitest";
import { builtinAgents } from "../index.ts";
import type { ReportOutput } from "../reporter.ts";
import { runWorkflow } from "./run-workflow.ts";
import { createWorkbench, type WorkbenchOptions } from "./task-context.ts";
import { removeFolders, temporaryFolder } from "./temporary-folder.ts";

afterAll(removeFolders);

const repository = join(import.meta.dirname, "../../../..");
const { workflow, problems } = parseWorkflow(
  await readFile(join(repository, "examples/repo-review.yaml"), "utf8"),
);

const review = async (inputs: Record<string, unknown>, options: WorkbenchOptions = {}) => {
  const cwd = await temporaryFolder();
  const bench = createWorkbench(builtinAgents({ cwd }), options);
  const given = checkInputs(workflow!, inputs);
  expect(given.problems).toEqual([]);
  const { output, steps } = await runWorkflow(workflow!, given.inputs, bench);
  const { report, summary } = output as { report: string; summary: ReportOutput["summary"] };
  return { summary, steps, bench, cwd, path: report, markdown: await readFile(report, "utf8") };
};

describe("examples/repo-review.yaml", () => {
  it("is a workflow without problems", () => {
    expect(problems).toEqual([]);
    expect(workflow?.steps.map(({ name }) => name)).toEqual(["list", "review", "docs", "report"]);
  });

  it("reviews a folder of broken and odd files to the end", async () => {
    const path = await temporaryFolder({
      "ok.ts": "/** Adds. */\nexport const add = (a: number, b: number): number => a + b;\n",
      "fault.js": "export function f(a) { if (a = 1) debugger; }\n",
      "broken.js": "function (\n",
      "deep.js": "[\n".repeat(40_000),
      "empty.mjs": "",
      "latin1.js": Buffer.from('x = "\xe9"', "latin1"),
      "binary.ts": Buffer.from([0, 1, 2]),
      "huge.js": "//\n".repeat(200_000),
      "<img src=x onerror=alert(1)>|`[x](y).js": "debugger;\n",
      "sub/--fix.js": "debugger;\n",
    });
    const { summary, markdown, steps, path: report, cwd } = await review({ path });
    expect(report.startsWith(join(cwd, ".muster", "reports", "repository-review-"))).toBe(true);
    expect(Object.values(steps).map(({ status }) => status)).toEqual(Array(4).fill("completed"));
    expect(summary).toEqual({
      files: 8,
      reviewed: 6,
      unreviewed: 2,
      filesWithFindings: 4,
      findings: 7,
      bySeverity: { error: 7, warning: 0, info: 0 },
      documentedExports: 1,
      undocumentedExports: 1,
    });
    expect(markdown).toContain("| `deep.js` | the linter crashed on it |");
    expect(markdown).toContain("| `latin1.js` | it is not UTF-8 text |");
    expect(markdown).toContain("| `huge.js` | larger than 512 KiB |");
    expect(markdown).toContain("### `sub/--fix.js`\n\n- **1:1** `debugger` statement is not allowed");
    expect(markdown).not.toMatch(/^[^`]*<img/m);
  });

  it("reviews the agents' own sources", async () => {
    const { summary, markdown, bench } = await review({ path: join(repository, "packages/agents") });
    expect(summary.files).toBeGreaterThan(20);
    expect(summary.reviewed).toBe(summary.files);
    expect(bench.delegated).toHaveLength(summary.files);
    expect(markdown).toContain("## API documentation");
    expect(markdown).toContain("Lists the sources below a folder in the order of their paths.");
  });

  it("writes a report with gaps when reviews and documentation fail", async () => {
    const path = await temporaryFolder({ "a.js": "debugger;\n", "b.js": "debugger;\n" });
    const fail = () => Promise.reject(new MusterError("timeout", "too slow"));
    const both = await review({ path }, { stubs: { code_review: fail, documentation_generation: fail } });
    expect(both.summary).toMatchObject({ files: 2, reviewed: 0, unreviewed: 2, findings: 0 });
    expect(both.markdown).toContain("| `a.js` | its review failed; see the tasks of the run |");
    const outlines = await review({ path }, { stubs: { code_outline: fail } });
    expect(outlines.summary).toMatchObject({ reviewed: 2, findings: 2 });
    expect(outlines.markdown).toContain("Not documented (2):\n\n- `a.js`: too slow\n- `b.js`: too slow");
  });

  it("writes where it is told, and reviews an empty folder", async () => {
    const path = await temporaryFolder({ "README.md": "" });
    const to = join(path, "out", "review.md");
    const { summary, markdown, path: report } = await review({ path, report: to });
    expect(report).toBe(to);
    expect(summary.files).toBe(0);
    expect(markdown).toContain("No file was reviewed.");
  });
});
