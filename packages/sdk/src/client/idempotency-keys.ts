import { v7 } from "uuid";
import type { TaskSubmission } from "../protocol/index.ts";

/** A key that nobody else has; sorts by time, which keeps the server's index of keys small and warm. */
export const createKey = (): string => v7();

/** The same tasks, each with an idempotency key: its own, or one of this submission. */
export const withKeys = (tasks: readonly TaskSubmission[]): TaskSubmission[] => {
  const submission = createKey();
  return tasks.map((task, index) => ({ idempotencyKey: `${submission}:${index}`, ...task }));
};
