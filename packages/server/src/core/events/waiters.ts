import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { endedAmong } from "../queue/statements/ended-among.ts";

/** Calls that wait for one thing at most. */
const mostWaiting = 100_000;

/** Ids that are looked up at once. */
const mostLookedUp = 5_000;

/** A wait under way. */
export interface Wait {
  /** Resolves at the end of what is waited for, at the timeout, or when the wait is called off. */
  over: Promise<void>;
  callOff(): void;
}

/** Lets calls wait until something ends, by its id. Register first, look second: nothing is missed. */
export function createWaiters(database: Database, clock: Clock) {
  const waiting = new Map<string, Set<() => void>>();
  let count = 0;

  function ended(ids: readonly string[]): void {
    for (const id of ids) for (const wake of [...(waiting.get(id) ?? [])]) wake();
  }

  return {
    /** Over at once where too many wait already. */
    wait(id: string, timeoutMs: number, signal?: AbortSignal): Wait {
      if (timeoutMs <= 0 || signal?.aborted === true || count >= mostWaiting) {
        return { over: Promise.resolve(), callOff: () => {} };
      }
      let wake = () => {};
      const over = new Promise<void>((resolve) => {
        wake = () => {
          timer.cancel();
          signal?.removeEventListener("abort", wake);
          const set = waiting.get(id);
          if (set?.delete(wake)) count -= 1;
          if (set?.size === 0) waiting.delete(id);
          resolve();
        };
      });
      const timer = clock.setTimer(timeoutMs, wake);
      signal?.addEventListener("abort", wake);
      const set = waiting.get(id) ?? new Set();
      set.add(wake);
      waiting.set(id, set);
      count += 1;
      return { over, callOff: wake };
    },
    ended,
    /** Looks up what ended without anybody saying so: a signal, or the answer to a commit, may have been lost. */
    async recheck(): Promise<void> {
      const ids = [...waiting.keys()];
      for (let start = 0; start < ids.length; start += mostLookedUp) {
        const rows = await database.query(endedAmong, [ids.slice(start, start + mostLookedUp)]);
        ended(rows.map((row) => row.id));
      }
    },
    /** Wakes everybody, as when the orchestrator stops. */
    wakeAll(): void {
      for (const set of [...waiting.values()]) for (const wake of [...set]) wake();
    },
  };
}

export type Waiters = ReturnType<typeof createWaiters>;
