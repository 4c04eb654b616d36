import { limits, MusterError, type TaskResult } from "../protocol/index.ts";
import type { Attempt } from "./attempt.ts";

interface OpenWait {
  taskIds: readonly string[];
  /** Those that have not ended as far as we know. */
  missing: Set<string>;
  results: Map<string, TaskResult>;
  resolve: (results: TaskResult[]) => void;
  reject: (error: unknown) => void;
}

/**
 * Everything that one attempt waits for, as one wait at a time: a single set of sub-tasks until all of them
 * ended, several sets until any sub-task ended, and each set gets its results as soon as it is complete. While
 * nothing can go on the attempt is parked; when it is resumed, or when a set is added meanwhile, what is open is
 * waited for anew.
 */
export class Waits {
  readonly #attempt: Attempt;
  readonly #open = new Set<OpenWait>();
  /** Delegations that are being created: the wait begins once they can be part of it. */
  #starting = 0;
  #waiting = false;
  /** Counts the sets, so that one that came while a wait was under way is not overlooked. */
  #added = 0;
  #onAdded: (() => void) | undefined;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  /** Creates sub-tasks and waits until all of them ended: their results, in order. */
  async join(create: () => Promise<readonly string[]>): Promise<TaskResult[]> {
    this.#starting++;
    try {
      const taskIds = await create();
      return this.#add(taskIds);
    } finally {
      this.#starting--;
      this.#go();
    }
  }

  #add(taskIds: readonly string[]): Promise<TaskResult[]> {
    return new Promise((resolve, reject) => {
      this.#open.add({ taskIds, missing: new Set(taskIds), results: new Map(), resolve, reject });
      this.#added++;
    });
  }

  #go(): void {
    if (this.#starting > 0 || this.#open.size === 0) return;
    if (this.#waiting) {
      this.#onAdded?.();
      return;
    }
    this.#waiting = true;
    void this.#waitForAll().finally(() => {
      this.#waiting = false;
      this.#go();
    });
  }

  async #waitForAll(): Promise<void> {
    try {
      while (this.#open.size > 0 && this.#starting === 0) await this.#waitOnce();
    } catch (error) {
      for (const wait of this.#open) wait.reject(error);
      this.#open.clear();
    }
  }

  async #waitOnce(): Promise<void> {
    const taskIds = this.#missing();
    const added = this.#added;
    const mode = this.#open.size === 1 ? "all" : "any";
    const { answer, token } = await this.#attempt.call("wait", { taskIds, mode });
    for (const result of answer.settled) this.#deliver(result);
    if (answer.parked) return this.#pause(this.#attempt.park(token), added);
    if (answer.settled.length === 0) {
      throw new MusterError(
        "internal",
        "The orchestrator ended a wait without a result and without parking it.",
      );
    }
  }

  /** Until the attempt is resumed, or a set was added that the wait just begun did not know. */
  async #pause(resumed: Promise<void>, added: number): Promise<void> {
    // Where a new set wins, nobody looks at it any more.
    resumed.catch(() => undefined);
    if (this.#added !== added) return;
    const more = new Promise<void>((resolve) => {
      this.#onAdded = resolve;
    });
    await Promise.race([resumed, more]);
    this.#onAdded = undefined;
  }

  /** What all sets together still miss, each once, as many as one wait may name. */
  #missing(): string[] {
    const missing = new Set<string>();
    for (const wait of this.#open) for (const id of wait.missing) missing.add(id);
    return [...missing].slice(0, limits.tasksPerSubmission);
  }

  #deliver(result: TaskResult): void {
    for (const wait of this.#open) {
      if (!wait.missing.delete(result.id)) continue;
      wait.results.set(result.id, result);
      if (wait.missing.size > 0) continue;
      this.#open.delete(wait);
      wait.resolve(wait.taskIds.map((id) => wait.results.get(id)!));
    }
  }
}
