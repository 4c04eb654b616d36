/**
 * Runs every check, each of which is also an npm script of its own, and says how long it took. What a check
 * prints is shown when it fails. `MUSTER_CHECK_REPORT` names a file that gets the verdicts as JSON.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./findings.ts";

/** No check may hang. */
const mostMs = 300_000;

interface Verdict {
  check: string;
  status: "passed" | "failed";
  ms: number;
}

const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};
const named = Object.keys(scripts).filter((name) => name.startsWith("check:"));
const checks = ["lint", "typecheck", "dead-code", ...named];

function run(check: string): Verdict {
  const started = performance.now();
  const { status, stdout, stderr, error } = spawnSync("npm", ["run", "--silent", check], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: mostMs,
    maxBuffer: 1 << 26,
  });
  const ms = Math.round(performance.now() - started);
  const good = status === 0;
  console.log(`${good ? "passed" : "FAILED"}  ${check.padEnd(18)} ${(ms / 1000).toFixed(1).padStart(6)} s`);
  if (!good) console.log([stdout, stderr, error?.message].filter(Boolean).join("\n"));
  return { check, status: good ? "passed" : "failed", ms };
}

const verdicts = checks.map(run);
const failed = verdicts.filter(({ status }) => status === "failed");
console.log(`checks: ${verdicts.length - failed.length} passed, ${failed.length} failed`);
const report = process.env.MUSTER_CHECK_REPORT;
if (report !== undefined) writeFileSync(report, JSON.stringify(verdicts));
if (failed.length > 0) process.exitCode = 1;
