import { limits, MusterError, type UsageAnswer } from "../protocol/index.ts";
import type { Attempt } from "./attempt.ts";
import type { Spending, TaskContext } from "./task-context.ts";

/** Characters of a key that are the handler's; the rest makes it one of this attempt. */
const mostKey = limits.keyLength - 24;

/** What an attempt says of its spending, and asks before it spends. */
export const createSpending = (attempt: Attempt): Pick<TaskContext, "spend" | "withinBudget"> => {
  /** Calls by the handler's key: each gets a key of its own, since a second call costs a second time. */
  const calls = new Map<string, number>();

  const nameOf = (key: string): string => {
    const nth = calls.get(key) ?? 0;
    calls.set(key, nth + 1);
    return `${key.slice(0, mostKey)}:${attempt.assignment.leaseToken.slice(-12)}.${nth}`;
  };

  const report = async (kind: "reserve" | "spent", key: string, used: Spending): Promise<UsageAnswer> =>
    (await attempt.call("usage", { key, kind, ...amountsOf(used) })).answer;

  const reserve = async (key: string, most: Spending): Promise<void> => {
    for (;;) {
      const answer = await report("reserve", key, most);
      if (answer.granted) return;
      if (answer.retryAfterMs === undefined) throw refused(attempt.assignment.taskId, answer);
      await attempt.pause(answer.retryAfterMs);
    }
  };

  return {
    spend: (key, used) => report("spent", key, used),
    async withinBudget(key, most, work) {
      const name = nameOf(key);
      await reserve(name, most);
      let used = most;
      try {
        const done = await work();
        used = done.used;
        return done.value;
      } catch (error) {
        used = usedBy(error) ?? most;
        throw error;
      } finally {
        await report("spent", name, used);
      }
    },
  };
};

const amountsOf = ({ moneyMicros, tokens }: Spending): Spending => ({
  ...(moneyMicros === undefined ? {} : { moneyMicros: Math.ceil(moneyMicros) }),
  ...(tokens === undefined ? {} : { tokens: Math.ceil(tokens) }),
});

/** What a call that failed has cost, where its error says so. */
const usedBy = (error: unknown): Spending | undefined => {
  const used: unknown = (error as { used?: unknown } | null)?.used;
  return typeof used === "object" && used !== null ? used : undefined;
};

const refused = (taskId: string, { reached }: UsageAnswer): MusterError =>
  Object.assign(
    new MusterError(
      "budget_reached",
      `The budget of task ${taskId} leaves no ${reached ?? "room"} for this call.`,
      { hint: "Let the handler end with this error: the task goes on once its budget is raised." },
    ),
    { name: "BudgetReachedError" },
  );
