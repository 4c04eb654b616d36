// Adds up what the test runner and the checks reported: one line, and an exit code that is 0 only if nothing
// failed. Plain JavaScript: it must work when the installation did not.
// Usage: node count-results.mjs TESTS.json EXIT_CODE CLUSTER_TESTS.json EXIT_CODE CHECKS.json EXIT_CODE
import { readFileSync } from "node:fs";

const [testsFile, testsCode, clusterFile, clusterCode, checksFile, checksCode] = process.argv.slice(2);

const read = (file) => {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
};

/** A part that ended badly without saying what failed counts as one failure. */
const orOne = (counts, code) => (code !== "0" && counts.failed === 0 ? { ...counts, failed: 1 } : counts);

const countTests = (report) => {
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
};

const countChecks = (report) => {
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const passed = report.filter(({ status }) => status === "passed").length;
  return { passed, failed: report.length - passed, skipped: 0 };
};

const parts = [
  orOne(countTests(read(testsFile)), testsCode),
  orOne(countTests(read(clusterFile)), clusterCode),
  orOne(countChecks(read(checksFile)), checksCode),
];
const sum = (name) => parts.reduce((total, part) => total + part[name], 0);
console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
process.exitCode = sum("failed") === 0 ? 0 : 1;
