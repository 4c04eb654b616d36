import type { Run, StepStatus } from "@muster/sdk/protocol";
import picocolors from "picocolors";
import { expect, test } from "vitest";
import { textWidth } from "../render/fit-line.ts";
import { progressLines } from "./progress-lines.ts";
import { startProgress } from "./run-progress.ts";

const startMs = Date.parse("2026-01-01T00:00:00Z");

function progressOf(statuses: StepStatus[]) {
  const run: Run = {
    id: "0199aa41-7c1e-7000-8000-3f2b5c6d7e8f",
    workflow: "repo-review",
    status: "running",
    tenant: "default",
    inputs: {},
    output: null,
    error: null,
    steps: statuses.map((_, at) => ({
      name: `step-${at + 1}`,
      status: "pending",
      capability: "code_review",
      tasks: { total: 0, completed: 0, failed: 0 },
      reason: null,
    })),
    createdAt: "2026-01-01T00:00:00.000Z",
    budget: null,
    finishedAt: null,
  };
  const progress = startProgress(run);
  for (const [at, status] of statuses.entries()) {
    Object.assign(progress.steps.get(`step-${at + 1}`) ?? {}, {
      status,
      ...(status !== "pending" && { startedAtMs: startMs }),
    });
  }
  return progress;
}

const view = (columns: number, rows = 24) => ({
  nowMs: startMs + 12_100,
  columns,
  rows,
  colors: picocolors.createColors(false),
});

test("shows marks, names, counts, agents and totals", () => {
  const progress = progressOf(["completed", "running", "pending"]);
  Object.assign(progress.steps.get("step-1") ?? {}, { total: 1, completed: 1, finishedAtMs: startMs + 400 });
  Object.assign(progress.steps.get("step-2") ?? {}, { total: 120, completed: 36, failed: 1 });
  for (const id of ["a", "b"]) progress.running.set(id, { agent: "reviewer", step: "step-2" });
  expect(progressLines(progress, view(100))).toEqual([
    "repo-review  run 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f",
    " ✔ step-1  code_review     1/1                 0.4s",
    " ⠋ step-2  code_review  37/120  ━━━━━━━━━━    12.1s  reviewer ×2",
    " · step-3  code_review",
    "   38/121 tasks · 1 agent at work · 1 failed · 12.1s   Ctrl-C cancels",
  ]);
});

test.each([10, 20, 39, 40, 63, 64, 80, 89, 90, 200])("fits a terminal of %d columns", (columns) => {
  const progress = progressOf(["completed", "running", "failed", "skipped", "cancelled", "pending"]);
  Object.assign(progress.steps.get("step-2") ?? {}, { total: 1200, completed: 36, failed: 1 });
  Object.assign(progress.steps.get("step-3") ?? {}, { reason: `${"日本語 ".repeat(60)}\u001b[2J` });
  progress.running.set("a", { agent: "an agent with a rather long name", step: "step-2" });
  for (const line of progressLines(progress, view(columns))) {
    expect(textWidth(line)).toBeLessThan(Math.max(columns, 11));
    expect(line).not.toContain("\u001b");
  }
});

test.each([4, 5, 8, 12])("fits %d rows and keeps what moves in sight", (rows) => {
  const statuses: StepStatus[] = [
    ...Array<StepStatus>(20).fill("completed"),
    "running",
    ...Array<StepStatus>(20).fill("pending"),
  ];
  const lines = progressLines(progressOf(statuses), view(80, rows));
  expect(lines.length).toBeLessThan(rows);
  if (rows > 4) expect(lines.join("\n")).toContain("step-21");
  if (rows > 5) {
    expect(lines.join("\n")).toContain("20 steps done");
    expect(lines.join("\n")).toMatch(/\d+ more steps/);
  }
});
