import type { JoinPolicy, TaskStatus } from "@muster/sdk/protocol";

/**
 * What one attempt does: it completes (`twice`: and reports that twice), fails, fails for good, or is never heard
 * of again.
 */
export type Outcome = "ok" | "twice" | "fail" | "fatal" | "silent";

/** A task as a script plans it. All times are in milliseconds. */
export interface TaskPlan {
  /** Places of older tasks of the script. */
  needs: number[];
  join: JoinPolicy;
  /** By attempt; every later attempt is `ok`. */
  outcomes: Outcome[];
  durationMs: number;
  maxAttempts: number;
  retryDelayMs: number;
  timeoutMs: number;
  delayMs: number;
  deadlineMs: number | null;
}

/** What the model knows of a task. */
export interface ModelTask {
  readonly plan: TaskPlan;
  status: TaskStatus;
  attempt: number;
  maxAttempts: number;
  submittedAt: number;
  notBefore: number;
  deadlineAt: number | null;
  startedAt: number;
}

const isOver = (task: ModelTask): boolean =>
  task.status === "completed" || task.status === "failed" || task.status === "cancelled";

/**
 * The queue as it should behave, in as few words as possible: no database, no grouping, no leases with tokens; one
 * list of tasks and the next moment at which one of them changes. Agents have room without end, so a task starts
 * the moment it may.
 */
export class QueueModel {
  readonly tasks: ModelTask[] = [];
  readonly #leaseMs: number;
  #now: number;

  constructor(startAt: number, leaseMs: number) {
    this.#now = startAt;
    this.#leaseMs = leaseMs;
  }

  /** Lets everything happen that happens up to this moment. */
  advanceTo(at: number): void {
    for (;;) {
      const due = this.tasks.map((task) => this.#nextChange(task));
      const first = Math.min(...due);
      if (first > at) break;
      this.#now = first;
      this.#change(this.tasks[due.indexOf(first)]!);
    }
    this.#now = at;
  }

  /** The last moment at which something changes by itself; now, where nothing does. */
  settledAt(): number {
    const due = this.tasks
      .map((task) => this.#nextChange(task))
      .filter((at) => at < Number.POSITIVE_INFINITY);
    return Math.max(this.#now, ...due);
  }

  submit(plans: readonly TaskPlan[]): void {
    for (const plan of plans) {
      this.tasks.push({
        plan,
        status: "blocked",
        attempt: 0,
        maxAttempts: plan.maxAttempts,
        submittedAt: this.#now,
        notBefore: this.#now + plan.delayMs,
        deadlineAt: plan.deadlineMs === null ? null : this.#now + plan.deadlineMs,
        startedAt: 0,
      });
    }
    for (const task of this.tasks.slice(-plans.length)) this.#join(task);
  }

  /** Whether the cancel is accepted. */
  cancel(place: number): boolean {
    const task = this.tasks[place]!;
    if (isOver(task)) return false;
    this.#end(task, "cancelled");
    return true;
  }

  /** Whether the retry by hand is accepted. */
  retry(place: number): boolean {
    const task = this.tasks[place]!;
    if ((task.status !== "failed" && task.status !== "cancelled") || this.#verdict(task) !== "runs")
      return false;
    task.status = "ready";
    task.maxAttempts = task.attempt + task.plan.maxAttempts;
    task.notBefore = this.#now;
    if (task.plan.deadlineMs !== null) task.deadlineAt = this.#now + task.plan.deadlineMs;
    this.#startIfDue(task);
    return true;
  }

  #needs(task: ModelTask): ModelTask[] {
    return task.plan.needs.map((place) => this.tasks[place]!);
  }

  #verdict(task: ModelTask): "runs" | "waits" | "doomed" {
    const needs = this.#needs(task);
    const open = needs.some((need) => !isOver(need));
    const good = needs.filter((need) => need.status === "completed").length;
    const bad = needs.some((need) => isOver(need) && need.status !== "completed");
    switch (task.plan.join) {
      case "all":
        return bad ? "doomed" : open ? "waits" : "runs";
      case "settled":
        return open ? "waits" : "runs";
      case "any":
        return good > 0 || needs.length === 0 ? "runs" : open ? "waits" : "doomed";
    }
  }

  #join(task: ModelTask): void {
    if (task.status !== "blocked") return;
    const verdict = this.#verdict(task);
    if (verdict === "doomed") this.#end(task, "failed");
    if (verdict !== "runs") return;
    task.status = "ready";
    this.#startIfDue(task);
  }

  #startIfDue(task: ModelTask): void {
    if (task.notBefore > this.#now) return;
    task.status = "in_progress";
    task.attempt += 1;
    task.startedAt = this.#now;
  }

  #end(task: ModelTask, status: TaskStatus): void {
    task.status = status;
    for (const other of this.tasks) if (this.#needs(other).includes(task)) this.#join(other);
  }

  #outcome(task: ModelTask): Outcome {
    return task.plan.outcomes[task.attempt - 1] ?? "ok";
  }

  /** When the attempt ends by itself: reported, silent past its lease, or out of time. */
  #attemptEnd(task: ModelTask): number {
    const { durationMs, timeoutMs } = task.plan;
    const worksFor = this.#outcome(task) === "silent" ? this.#leaseMs : durationMs;
    return task.startedAt + Math.min(worksFor, timeoutMs);
  }

  #nextChange(task: ModelTask): number {
    if (isOver(task)) return Number.POSITIVE_INFINITY;
    const deadline = task.deadlineAt ?? Number.POSITIVE_INFINITY;
    if (task.status === "ready") return Math.min(task.notBefore, deadline);
    if (task.status === "in_progress") return Math.min(this.#attemptEnd(task), deadline);
    return deadline;
  }

  #change(task: ModelTask): void {
    if (task.deadlineAt !== null && this.#now >= task.deadlineAt) this.#end(task, "failed");
    else if (task.status === "ready") this.#startIfDue(task);
    else this.#endAttempt(task);
  }

  #endAttempt(task: ModelTask): void {
    const outcome = this.#outcome(task);
    const inTime = task.plan.durationMs <= task.plan.timeoutMs;
    if (inTime && (outcome === "ok" || outcome === "twice")) {
      this.#end(task, "completed");
      return;
    }
    const abandoned = outcome === "silent" && this.#leaseMs < task.plan.timeoutMs;
    const tries = task.plan.maxAttempts - (task.maxAttempts - task.attempt);
    const delayMs = abandoned ? 0 : task.plan.retryDelayMs * 2 ** (tries - 1);
    const tooLate = task.deadlineAt !== null && this.#now + delayMs >= task.deadlineAt;
    const forGood = inTime && outcome === "fatal";
    if (forGood || tooLate || task.attempt >= task.maxAttempts) {
      this.#end(task, "failed");
    } else {
      task.status = "ready";
      task.notBefore = this.#now + delayMs;
    }
  }
}
