import { MusterError } from "@muster/sdk/protocol";

export interface GroupOptions<T, R> {
  /** Items in one run at most. */
  most: number;
  /** Items that may wait; beyond them a call is refused with `unavailable`. */
  mostWaiting?: number;
  /** Lets whatever else happens at this moment happen first. */
  nextTurn?: NextTurn | undefined;
  /** Handles all items at once and answers in their order. */
  run: (items: T[]) => Promise<R[]>;
}

interface Waiting<T, R> {
  item: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/** Runs work once what is going on at this moment is done: in the next turn of the event loop. */
export type NextTurn = (work: () => void) => void;

/** Where nobody gave a turn of the event loop: some turns of the microtask queue. */
const fewTurns: NextTurn = async (work) => {
  for (let turn = 0; turn < 40; turn++) await null;
  work();
};

/**
 * Lets calls that arrive together share one statement. A lone call is run at once; whatever arrives while a
 * run is under way forms the next one. So the group grows with the load, and nobody waits for its sake.
 * If a group fails, it is halved until the item to blame fails alone.
 */
export function createGroup<T, R>({
  most,
  mostWaiting = 200_000,
  nextTurn = fewTurns,
  run,
}: GroupOptions<T, R>) {
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
      nextTurn(() => void drain());
    });
  };
}
