import { MusterError } from "@muster/sdk/protocol";

export interface GroupOptions<T, R> {
  /** Items in one run at most. */
  most: number;
  /** Items that may wait; beyond them a call is refused with `unavailable`. */
  mostWaiting?: number;
  /** Handles all items at once and answers in their order. */
  run: (items: T[]) => Promise<R[]>;
}

interface Waiting<T, R> {
  item: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/** Turns of the microtask queue before a group sets out: a few microseconds. */
const gatherTurns = 40;

/**
 * Lets calls that arrive together share one statement. A lone call is run at once; whatever arrives while a
 * run is under way forms the next one. So the group grows with the load, and nobody waits for its sake.
 * If a group fails, it is halved until the item to blame fails alone.
 */
export function createGroup<T, R>({ most, mostWaiting = 200_000, run }: GroupOptions<T, R>) {
  let waiting: Waiting<T, R>[] = [];
  let running = false;

  async function settle(group: Waiting<T, R>[]): Promise<void> {
    try {
      const results = await run(group.map((call) => call.item));
      for (const [index, call] of group.entries()) call.resolve(results[index] as R);
    } catch (error) {
      const alone = group.length === 1;
      if (alone || (error instanceof MusterError && error.retryable)) {
        for (const call of group) call.reject(error);
        return;
      }
      const middle = group.length >> 1;
      await settle(group.slice(0, middle));
      await settle(group.slice(middle));
    }
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting.length <= most ? waiting : waiting.slice(0, most);
      waiting = waiting.length <= most ? [] : waiting.slice(most);
      await settle(group);
    }
    running = false;
  }

  /** Lets the calls of the same moment come in: those that are some promises behind the first one. */
  async function gather(): Promise<void> {
    for (let turn = 0; turn < gatherTurns; turn++) await null;
    await drain();
  }

  return function call(item: T): Promise<R> {
    if (waiting.length >= mostWaiting) {
      return Promise.reject(
        new MusterError("unavailable", `${waiting.length} calls are waiting for the database`, {
          hint: "Hand in work more slowly, or try again in a moment.",
        }),
      );
    }
    return new Promise<R>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (running) return;
      running = true;
      void gather();
    });
  };
}
