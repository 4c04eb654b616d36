import type { Event, EventType } from "@muster/sdk/protocol";
import { expect, test } from "vitest";
import { fakeRun } from "../../test/fake-client.ts";
import { applyEvent, applySnapshot, startProgress } from "./run-progress.ts";

const run = fakeRun({ id: "run-1", workflow: "review" });

let seq = 0;
const event = (type: EventType, taskId: string | null, data: Record<string, unknown> = {}): Event => ({
  seq: ++seq,
  at: "2026-01-01T00:00:01.000Z",
  type,
  taskId,
  runId: "run-1",
  agentId: null,
  tenant: "default",
  data,
});

test("counts a fan-out from its events", () => {
  const progress = startProgress(run);
  for (const id of ["a", "b", "c"]) applyEvent(progress, event("task.submitted", id, { step: "check" }));
  const [fact] = applyEvent(progress, event("run.step.started", null, { step: "check" }));
  expect(fact).toMatchObject({ kind: "step-started", step: { name: "check", total: 3 } });
  applyEvent(progress, event("task.started", "a", { step: "check", agent: "reviewer" }));
  applyEvent(progress, event("task.started", "b", { step: "check", agent: "reviewer" }));
  expect(progress.running.size).toBe(2);
  applyEvent(progress, event("task.completed", "a", { step: "check" }));
  const facts = applyEvent(
    progress,
    event("task.failed", "b", { step: "check", error: { code: "x", message: "broke" } }),
  );
  expect(facts.map((one) => one.kind)).toEqual(["task-failed", "step-advanced"]);
  expect(progress.steps.get("check")).toMatchObject({ total: 3, completed: 1, failed: 1, status: "running" });
  expect(progress.running.size).toBe(0);
});

test("an event that comes twice counts once", () => {
  const progress = startProgress(run);
  const ended = event("task.completed", "a", { step: "list" });
  applyEvent(progress, ended);
  expect(applyEvent(progress, ended)).toEqual([]);
  expect(progress.steps.get("list")?.completed).toBe(1);
});

test("sub-tasks are shown with the step that they serve and do not count as its tasks", () => {
  const progress = startProgress(run);
  applyEvent(progress, event("task.submitted", "a", { step: "check" }));
  applyEvent(progress, event("task.submitted", "sub", { step: null, parentId: "a" }));
  applyEvent(progress, event("task.started", "sub", { step: null, agent: "parser" }));
  expect(progress.running.get("sub")).toEqual({ agent: "parser", step: "check" });
  expect(progress.steps.get("check")?.total).toBe(1);
  applyEvent(progress, event("task.completed", "sub", { step: null }));
  expect(progress.subTasks).toEqual({ total: 1, ended: 1 });
});

test("a task to be retried is told and counted until it starts again", () => {
  const progress = startProgress(run);
  const [fact] = applyEvent(
    progress,
    event("task.retrying", "a", { step: "list", error: { message: "try" } }),
  );
  expect(fact).toMatchObject({ kind: "task-failed", final: false, error: { message: "try" } });
  expect(progress.retrying.size).toBe(1);
  applyEvent(progress, event("task.started", "a", { step: "list" }));
  expect(progress.retrying.size).toBe(0);
});

test("a snapshot brings what no event told", () => {
  const progress = startProgress(run);
  const steps = run.steps.map((step) => ({
    ...step,
    status: "completed" as const,
    tasks: { total: 2, completed: 2, failed: 0 },
  }));
  const facts = applySnapshot(
    progress,
    { ...run, status: "completed", steps, finishedAt: "2026-01-01T00:00:09.000Z" },
    Date.parse("2026-01-01T00:00:10Z"),
  );
  expect(facts.map((one) => one.kind)).toEqual([
    "step-finished",
    "step-finished",
    "step-finished",
    "run-finished",
  ]);
  expect(progress.status).toBe("completed");
  expect(progress.finishedAtMs).toBe(Date.parse("2026-01-01T00:00:09Z"));
});

test("a resumed run takes over what was done before", () => {
  const steps = run.steps.map((step, at) => ({
    ...step,
    status: at === 0 ? ("completed" as const) : ("running" as const),
    tasks: { total: 4, completed: 4 - at, failed: at },
  }));
  const progress = startProgress({ ...run, steps }, { resumed: true });
  expect(progress.steps.get("list")).toMatchObject({ status: "completed", completed: 4, failed: 0 });
  expect(progress.steps.get("check")).toMatchObject({ status: "pending", total: 4, completed: 3, failed: 0 });
  applyEvent(progress, event("task.completed", "a", { step: "check" }));
  expect(progress.steps.get("check")).toMatchObject({ total: 4, completed: 4 });
});

test("the end of a step settles its counts", () => {
  const progress = startProgress(run);
  applyEvent(progress, event("run.step.started", null, { step: "list", total: 3 }));
  const data = { step: "list", status: "failed", total: 3, completed: 1, failed: 2, reason: "2 of 3 failed" };
  applyEvent(progress, event("run.step.finished", null, data));
  expect(progress.steps.get("list")).toMatchObject({
    status: "failed",
    completed: 1,
    failed: 2,
    reason: "2 of 3 failed",
  });
});
