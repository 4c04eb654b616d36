import { MusterError, type TaskContext } from "@muster/sdk";

/** A task that outlives its attempts: its journal, what people answered, what was put away. */
export interface JournaledTask {
  journal: Map<string, unknown>;
  asked: { question: string; key: string | undefined }[];
  progress: string[];
  files: Map<string, Buffer>;
  spent: { key: string; used: unknown }[];
  /** The context of one more attempt. */
  attempt(signal?: AbortSignal): TaskContext;
}

export interface TaskOptions {
  input?: unknown;
  capability?: string;
  /** What people answer, in turn; an error is what asking rejects with. */
  answers?: unknown[];
}

/** As the SDK's context does it, as far as agents from configuration need it. */
export function createJournaledTask({
  input = {},
  capability = "work",
  answers = [],
}: TaskOptions = {}): JournaledTask {
  let attempts = 0;
  const answered = new Map<string, unknown>();
  const answer = (question: string, key: string | undefined): Promise<unknown> => {
    const name = key ?? `${task.asked.length}`;
    if (!answered.has(name)) {
      task.asked.push({ question, key });
      answered.set(name, answers.shift() ?? new Error("nobody answers"));
    }
    const given = answered.get(name);
    return given instanceof Error ? Promise.reject(given) : Promise.resolve(given);
  };
  const task: JournaledTask = {
    journal: new Map(),
    asked: [],
    progress: [],
    files: new Map(),
    spent: [],
    attempt(signal = new AbortController().signal) {
      attempts++;
      const context = {
        taskId: "00000000-0000-7000-8000-000000000001",
        runId: null,
        capability,
        input,
        priority: "medium",
        attempt: attempts,
        maxAttempts: 4,
        signal,
        async step(key: string, work: () => unknown) {
          if (signal.aborted) throw signal.reason;
          if (!task.journal.has(key))
            task.journal.set(key, JSON.parse(JSON.stringify((await work()) ?? null)));
          return task.journal.get(key);
        },
        ask: (question: string, _: unknown, how: { key?: string } = {}) => answer(question, how.key),
        approve: (question: string, how: { key?: string } = {}) => answer(question, how.key),
        progress: (_: number, message?: string) => void task.progress.push(message ?? ""),
        log: () => undefined,
        spend: async (key: string, used: unknown) => void task.spent.push({ key, used }),
        async withinBudget(
          key: string,
          most: unknown,
          work: () => Promise<{ value: unknown; used: unknown }>,
        ) {
          let used = most;
          try {
            const done = await work();
            used = done.used;
            return done.value;
          } catch (error) {
            used = (error as { used?: unknown }).used ?? most;
            throw error;
          } finally {
            task.spent.push({ key, used });
          }
        },
        artifacts: {
          put: async (key: string, content: Buffer) => void task.files.set(key, Buffer.from(content)),
        },
      };
      return context as unknown as TaskContext;
    },
  };
  return task;
}

/** Takes an attempt away as the SDK does it. */
export const takenAway = (reason: string): MusterError =>
  new MusterError("lease_lost", `It was taken away: ${reason}.`, { details: { reason } });
