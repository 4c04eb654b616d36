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

it.each([
  ["all is well", tests(5, 0, 1), 0, checks("passed", "passed"), 0, "7 passed, 0 failed, 1 skipped", 0],
  ["a test fails", tests(4, 1), 1, checks("passed"), 0, "5 passed, 1 failed, 0 skipped", 1],
  ["a check fails", tests(4, 0), 0, checks("passed", "failed"), 1, "5 passed, 1 failed, 0 skipped", 1],
  [
    "a file of tests does not load",
    tests(4, 0, 0, [unloaded]),
    1,
    checks("passed"),
    0,
    "5 passed, 1 failed, 0 skipped",
    1,
  ],
  ["the runner fails, but no test", tests(4, 0), 1, checks("passed"), 0, "5 passed, 1 failed, 0 skipped", 1],
  ["nothing could be installed", null, 1, null, 1, "0 passed, 2 failed, 0 skipped", 1],
])("counts when %s", (_, testReport, testCode, checkReport, checkCode, line, code) => {
  const files = [testReport, checkReport].map((report, index) => {
    const file = join(folder, `${index}.json`);
    if (report === null) rmSync(file, { force: true });
    else writeFileSync(file, JSON.stringify(report));
    return file;
  });
  const program = join(root, "scripts", "count-results.mjs");
  const given = [files[0], `${testCode}`, files[1], `${checkCode}`] as string[];
  const { stdout, status } = spawnSync(process.execPath, [program, ...given], { encoding: "utf8" });
  expect({ stdout, status }).toEqual({ stdout: `${line}\n`, status: code });
});
