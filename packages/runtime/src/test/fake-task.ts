import type { Spending, TaskContext } from "@muster/sdk";

/** A moment at which the process of an agent may be killed. */
export type Moment = (what: string) => boolean;

export interface FakeTask {
  /** What outlives every attempt. */
  readonly journal: Map<string, string>;
  readonly artifacts: Map<string, string>;
  /** By key: what was set aside, or what it cost. */
  readonly ledger: Map<string, Spending>;
  readonly logs: { message: string; fields: Record<string, unknown> | undefined }[];
  /** What was shown to those who watch. */
  readonly streamed: object[];
  spentMicros(): number;
  /**
   * Runs a handler until it ends, or is killed at a moment. A killed one never goes on. `pass` is a moment of the
   * handler's own.
   */
  attempt<T>(handler: Handler<T>, isKilled?: Moment): Promise<Attempted<T>>;
}

/** What a task can ask of others in one attempt; what they did outlives it. */
export type Others = (pass: (what: string) => Promise<void>) => Partial<TaskContext>;

type Handler<T> = (context: TaskContext, pass: (what: string) => Promise<void>) => Promise<T>;

export type Attempted<T> = { ended: T } | { failed: Error } | { killed: string };

const never = new Promise<never>(() => undefined);

/**
 * A task whose journal outlives the processes that work on it. A killed process stops where it is: whatever it awaits
 * of its context never comes.
 */
export const fakeTask = (input: unknown = null, taskId = "task", others: Others = () => ({})): FakeTask => {
  const journal = new Map<string, string>();
  const artifacts = new Map<string, string>();
  const ledger = new Map<string, Spending>();
  const logs: FakeTask["logs"] = [];
  const streamed: object[] = [];
  let attempts = 0;

  const contextOf = (attempt: number, pass: (what: string) => Promise<void>): TaskContext => {
    const steps = new Map<string, Promise<unknown>>();
    let calls = 0;
    const run = async (key: string, work: () => unknown): Promise<unknown> => {
      await pass(`step ${key}`);
      const known = journal.get(key);
      if (known !== undefined) return JSON.parse(known);
      const value = (await work()) ?? null;
      await pass(`before ${key}`);
      journal.set(key, JSON.stringify(value));
      await pass(`after ${key}`);
      return JSON.parse(journal.get(key)!);
    };
    const step = (key: string, work: () => unknown) => {
      const known = steps.get(key) ?? run(key, work);
      steps.set(key, known);
      known.catch(() => steps.delete(key));
      return known;
    };
    const withinBudget: TaskContext["withinBudget"] = async (key, most, work) => {
      const name = `${key} ${attempt}.${calls++}`;
      await pass(`reserve ${name}`);
      ledger.set(name, most);
      let used = most;
      try {
        const done = await work();
        used = done.used;
        return done.value;
      } catch (error) {
        used = (error as { used?: Spending }).used ?? most;
        throw error;
      } finally {
        await pass(`spend ${name}`);
        ledger.set(name, used);
      }
    };
    const put = async (key: string, text: string) => {
      await pass(`put ${key}`);
      artifacts.set(key, text);
    };
    const get = async (key: string) => ({ text: async () => artifacts.get(key) });
    return {
      taskId,
      input,
      attempt,
      signal: new AbortController().signal,
      step,
      withinBudget,
      artifacts: { put, get },
      stream: (text: string, about: object) => streamed.push({ text, ...about }),
      log: (_level: string, message: string, fields: Record<string, unknown>) =>
        logs.push({ message, fields }),
      ...others(pass),
    } as unknown as TaskContext;
  };

  return {
    journal,
    artifacts,
    ledger,
    logs,
    streamed,
    spentMicros: () => [...ledger.values()].reduce((sum, { moneyMicros = 0 }) => sum + moneyMicros, 0),
    attempt(handler, isKilled = () => false) {
      return new Promise((resolve) => {
        let isDead = false;
        const pass = async (what: string) => {
          await Promise.resolve();
          if (!isDead && isKilled(what)) {
            isDead = true;
            resolve({ killed: what });
          }
          if (isDead) await never;
        };
        handler(contextOf(++attempts, pass), pass).then(
          (ended) => isDead || resolve({ ended }),
          (failed) => isDead || resolve({ failed }),
        );
      });
    },
  };
};
