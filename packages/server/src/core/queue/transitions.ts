import type { TaskStatus } from "@muster/sdk/protocol";

/** A move of a task from one status to another, and the one statement that makes it. */
export interface Transition {
  /** Null: the task comes into being. */
  from: TaskStatus | null;
  to: TaskStatus;
  /** Name under which `statements/` exports it. */
  statement: string;
}

const moves = (statement: string, from: readonly (TaskStatus | null)[], to: readonly TaskStatus[]) =>
  from.flatMap((before) => to.map((after): Transition => ({ from: before, to: after, statement })));

/**
 * Every move that a task can make. A statement guards its moves itself, by the statuses in its `where`, so this
 * table decides nothing: it is what a reader, docs/task-states.md and a test that tries every statement on
 * every status hold on to. A statement that leaves the status as it is does not move the task.
 */
export const transitions: readonly Transition[] = [
  ...moves("enqueue", [null], ["blocked", "ready"]),
  ...moves("claim", ["ready"], ["in_progress"]),
  ...moves("complete", ["in_progress"], ["completed"]),
  ...moves("complete", ["blocked"], ["ready", "in_progress"]),
  ...moves("completeOne", ["in_progress"], ["completed"]),
  ...moves("completeOne", ["blocked"], ["ready", "in_progress"]),
  ...moves("releaseDependents", ["blocked", "waiting"], ["ready"]),
  ...moves("park", ["in_progress"], ["waiting"]),
  ...moves("retryTasks", ["in_progress", "waiting"], ["ready"]),
  ...moves("endTasks", ["in_progress", "waiting", "ready"], ["completed"]),
  ...moves("endTasks", ["in_progress", "waiting", "ready", "blocked"], ["failed", "cancelled"]),
  ...moves("retryByHand", ["failed", "cancelled"], ["ready"]),
];
