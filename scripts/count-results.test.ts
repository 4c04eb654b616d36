import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { root } from "./findings.ts";

const folder = mkdtempSync(join(tmpdir(), "muster-count-"));
afterAll(() => rmSync(folder, { recursive: true }));

const tests = (passed: number, failed: number, skipped = 0, testResults: unknown[] = []) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: skipped,
  numTodoTests: 0,
  testResults,
});
const checks = (...statuses: string[]) => statuses.map((status) => ({ status }));
const unloaded = { status: "failed", assertionResults: [] };

const well = tests(3, 0);

it.each([
  ["all is well", [tests(5, 0, 1), well, checks("passed", "passed")], "10 passed, 0 failed, 1 skipped", 0],
  ["a test fails", [tests(4, 1), well, checks("passed")], "8 passed, 1 failed, 0 skipped", 1],
  ["a cluster test fails", [tests(4, 0), tests(2, 1), checks("passed")], "7 passed, 1 failed, 0 skipped", 1],
  ["a check fails", [tests(4, 0), well, checks("passed", "failed")], "8 passed, 1 failed, 0 skipped", 1],
  [
    "a file of tests does not load",
    [tests(4, 0, 0, [unloaded]), well, checks("passed")],
    "8 passed, 1 failed, 0 skipped",
    1,
  ],
  ["nothing could be installed", [null, null, null], "0 passed, 3 failed, 0 skipped", 1],
])("counts when %s", (_, reports, line, code) => {
  expect(count(reports)).toEqual({ stdout: `${line}\n`, status: code });
});

it("counts a part that ended badly and named no failure", () => {
  const reports = [well, well, checks("passed")];
  expect(count(reports, ["1", "0", "0"])).toEqual({ stdout: "7 passed, 1 failed, 0 skipped\n", status: 1 });
  expect(count(reports, ["0", "137", "0"])).toEqual({ stdout: "7 passed, 1 failed, 0 skipped\n", status: 1 });
});

/** What the program prints of the reports of tests, cluster tests and checks, and their exit codes. */
function count(reports: unknown[], codes = reports.map(() => "0")) {
  const given = reports.flatMap((report, index) => {
    const file = join(folder, `${index}.json`);
    if (report === null) rmSync(file, { force: true });
    else writeFileSync(file, JSON.stringify(report));
    return [file, codes[index]!];
  });
  const program = join(root, "scripts", "count-results.mjs");
  const { stdout, status } = spawnSync(process.execPath, [program, ...given], { encoding: "utf8" });
  return { stdout, status };
}
