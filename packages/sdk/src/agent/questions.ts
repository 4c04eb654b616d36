import type { Approval, Question, TaskResult, TaskSubmission } from "../protocol/index.ts";
import type { AskOptions, TaskContext } from "./task-context.ts";
import { DelegationError } from "./task-error.ts";

type Hand = (key: string | undefined, tasks: readonly TaskSubmission[]) => Promise<TaskResult[]>;

/** Questions to people: sub-tasks that wait in an inbox, found again by their keys like all others. */
export const createQuestions = (
  hand: Hand,
  tended: <T>(promise: Promise<T>) => Promise<T>,
): Pick<TaskContext, "ask" | "approve"> => {
  /** Questions without a key of their own, counted so that a replay meets the same ones. */
  let unnamed = 0;

  const ask = async (question: Question, options: AskOptions): Promise<unknown> => {
    const { key = `ask:${unnamed++}`, input, priority, deadlineMs, ...how } = options;
    const submission: TaskSubmission = { ask: { ...how, ...question } };
    if (input !== undefined) submission.input = input;
    if (priority !== undefined) submission.priority = priority;
    if (deadlineMs !== undefined) submission.deadlineMs = deadlineMs;
    const [result] = await hand(key, [submission]);
    if (result?.status === "completed") return result.output;
    throw new DelegationError(result!);
  };
  return {
    ask: <Answer>(text: string, schema?: Record<string, unknown> | boolean, options: AskOptions = {}) =>
      tended(ask({ text, ...(schema === undefined ? {} : { schema }) }, options) as Promise<Answer>),
    approve: (text, options = {}) => tended(ask({ text, approval: true }, options) as Promise<Approval>),
  };
};
