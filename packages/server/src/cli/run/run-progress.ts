import type { Event, Run, RunStatus, StepStatus, TaskError } from "@muster/sdk/protocol";

/**
 * What is known of a run while it goes on, built from its events. It is a plain value: the live view and the
 * plain lines are functions of it and of the facts that each event yields.
 */
export interface RunProgress {
  readonly runId: string;
  readonly workflow: string;
  readonly startedAtMs: number;
  status: RunStatus;
  finishedAtMs: number | undefined;
  /** In the order of the file. */
  readonly steps: Map<string, StepProgress>;
  /** Attempts under way, by task. */
  readonly running: Map<string, { agent: string; step: string | null }>;
  /** Tasks that agents handed to others. */
  readonly subTasks: { total: number; ended: number };
  /** The step that each task belongs to, sub-tasks by way of their parents. */
  readonly stepOfTask: Map<string, string | null>;
  /** Tasks that wait to be tried again. */
  readonly retrying: Set<string>;
  lastSeq: number;
}

export interface StepProgress {
  readonly name: string;
  capability: string | null;
  status: StepStatus;
  /** Tasks whose submission was seen. */
  submitted: number;
  total: number;
  completed: number;
  failed: number;
  startedAtMs: number | undefined;
  finishedAtMs: number | undefined;
  reason: string | null;
}

/** What an event meant, for whoever tells it in words. */
export type ProgressFact =
  | { kind: "step-started"; step: StepProgress }
  | { kind: "step-advanced"; step: StepProgress }
  | { kind: "step-finished"; step: StepProgress }
  | { kind: "task-failed"; taskId: string; step: string | null; error: TaskError; final: boolean }
  | { kind: "run-finished"; status: RunStatus };

const endedSteps: ReadonlySet<StepStatus> = new Set(["completed", "failed", "skipped", "cancelled"]);

/**
 * The progress of a run from which nothing was seen yet. Of one that is `resumed` (retried) no event tells again
 * what was done before, so its counts are taken over.
 */
export function startProgress(run: Run, { resumed = false } = {}): RunProgress {
  const progress: RunProgress = {
    runId: run.id,
    workflow: run.workflow,
    startedAtMs: Date.parse(run.createdAt),
    status: "running",
    finishedAtMs: undefined,
    steps: new Map(),
    running: new Map(),
    subTasks: { total: 0, ended: 0 },
    stepOfTask: new Map(),
    retrying: new Set(),
    lastSeq: 0,
  };
  for (const { name, capability, status, tasks, reason } of run.steps) {
    const step = newStep(name, capability);
    if (resumed) Object.assign(step, { total: tasks.total, completed: tasks.completed });
    if (resumed && endedSteps.has(status)) Object.assign(step, { status, failed: tasks.failed, reason });
    progress.steps.set(name, step);
  }
  return progress;
}

function newStep(name: string, capability: string | null): StepProgress {
  return {
    name,
    capability,
    status: "pending",
    submitted: 0,
    total: 0,
    completed: 0,
    failed: 0,
    startedAtMs: undefined,
    finishedAtMs: undefined,
    reason: null,
  };
}

/** Takes the counts of a run as the orchestrator has them; used where events cannot be had, and at the end. */
export function applySnapshot(progress: RunProgress, run: Run, nowMs: number): ProgressFact[] {
  const facts: ProgressFact[] = [];
  for (const { name, status, capability, tasks, reason } of run.steps) {
    const step = stepNamed(progress, name);
    const counted = step.completed + step.failed;
    Object.assign(step, { capability, reason, ...tasks });
    facts.push(...moveStep(step, status, nowMs));
    if (status === "running" && step.completed + step.failed > counted) {
      facts.push({ kind: "step-advanced", step });
    }
  }
  if (run.status !== "running") {
    const finishedAtMs = run.finishedAt === null ? nowMs : Date.parse(run.finishedAt);
    facts.push(...finishRun(progress, run.status, finishedAtMs));
  }
  return facts;
}

function stepNamed(progress: RunProgress, name: string): StepProgress {
  const known = progress.steps.get(name);
  if (known) return known;
  const step = newStep(name, null);
  progress.steps.set(name, step);
  return step;
}

function moveStep(step: StepProgress, status: StepStatus, atMs: number): ProgressFact[] {
  const before = step.status;
  if (status === before || endedSteps.has(before)) return [];
  step.status = status;
  if (status === "running") {
    step.startedAtMs = atMs;
    return [{ kind: "step-started", step }];
  }
  if (!endedSteps.has(status)) return [];
  step.finishedAtMs = atMs;
  return [{ kind: "step-finished", step }];
}

function finishRun(progress: RunProgress, status: RunStatus, atMs: number): ProgressFact[] {
  if (progress.status !== "running") return [];
  progress.status = status;
  progress.finishedAtMs = atMs;
  progress.running.clear();
  progress.retrying.clear();
  return [{ kind: "run-finished", status }];
}

/** Takes in one event; one that was seen before changes nothing. */
export function applyEvent(progress: RunProgress, event: Event): ProgressFact[] {
  if (event.seq <= progress.lastSeq) return [];
  progress.lastSeq = event.seq;
  if (event.taskId !== null) return applyTaskEvent(progress, event, event.taskId);
  const atMs = Date.parse(event.at);
  switch (event.type) {
    case "run.step.started":
      return applyStepStarted(progress, event, atMs);
    case "run.step.finished":
      return applyStepFinished(progress, event, atMs);
    case "run.completed":
    case "run.failed":
    case "run.cancelled":
      return finishRun(progress, event.type.slice("run.".length) as RunStatus, atMs);
    default:
      return [];
  }
}

function applyStepStarted(progress: RunProgress, event: Event, atMs: number): ProgressFact[] {
  const name = textOf(event, "step");
  if (name === undefined) return [];
  const step = stepNamed(progress, name);
  const { total } = event.data;
  if (typeof total === "number") step.total = Math.max(step.total, total);
  return moveStep(step, "running", atMs);
}

function applyStepFinished(progress: RunProgress, event: Event, atMs: number): ProgressFact[] {
  const name = textOf(event, "step");
  if (name === undefined) return [];
  const step = stepNamed(progress, name);
  step.reason = textOf(event, "reason") ?? step.reason;
  for (const count of ["total", "completed", "failed"] as const) {
    const value = event.data[count];
    if (typeof value === "number") step[count] = value;
  }
  const status = textOf(event, "status") ?? "completed";
  return endedSteps.has(status as StepStatus) ? moveStep(step, status as StepStatus, atMs) : [];
}

function applyTaskEvent(progress: RunProgress, event: Event, taskId: string): ProgressFact[] {
  const step = progress.stepOfTask.get(taskId) ?? textOf(event, "step") ?? null;
  switch (event.type) {
    case "task.submitted":
      countSubmitted(progress, event, taskId);
      return [];
    case "task.started":
      progress.retrying.delete(taskId);
      progress.running.set(taskId, { agent: textOf(event, "agent") ?? event.agentId ?? "an agent", step });
      return [];
    case "task.waiting":
      progress.running.delete(taskId);
      return [];
    case "task.retrying":
      progress.running.delete(taskId);
      progress.retrying.add(taskId);
      return [{ kind: "task-failed", taskId, step, error: errorOf(event), final: false }];
    case "task.completed":
      return countEnded(progress, event, taskId, "completed");
    case "task.cancelled":
      return countEnded(progress, event, taskId, "failed");
    case "task.failed":
      return [
        { kind: "task-failed", taskId, step, error: errorOf(event), final: true },
        ...countEnded(progress, event, taskId, "failed"),
      ];
    default:
      return [];
  }
}

function countSubmitted(progress: RunProgress, event: Event, taskId: string): void {
  const parentId = textOf(event, "parentId");
  if (parentId !== undefined) {
    progress.subTasks.total += 1;
    progress.stepOfTask.set(taskId, progress.stepOfTask.get(parentId) ?? null);
    return;
  }
  const name = textOf(event, "step");
  if (name === undefined) return;
  progress.stepOfTask.set(taskId, name);
  const step = stepNamed(progress, name);
  step.submitted += 1;
  // The start of a step may have named its total already.
  step.total = Math.max(step.total, step.submitted);
}

function countEnded(
  progress: RunProgress,
  event: Event,
  taskId: string,
  how: "completed" | "failed",
): ProgressFact[] {
  progress.running.delete(taskId);
  progress.retrying.delete(taskId);
  const name = textOf(event, "step");
  if (name === undefined) {
    progress.subTasks.ended += 1;
    return [];
  }
  const step = stepNamed(progress, name);
  step[how] += 1;
  step.total = Math.max(step.total, step.completed + step.failed);
  return [{ kind: "step-advanced", step }];
}

function textOf(event: Event, member: string): string | undefined {
  const value = event.data[member];
  return typeof value === "string" ? value : undefined;
}

function errorOf(event: Event): TaskError {
  const error = event.data.error as Partial<TaskError> | null | undefined;
  return {
    ...error,
    code: String(error?.code ?? "failed"),
    message: String(error?.message ?? "no reason given"),
  };
}
