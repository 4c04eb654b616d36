import { briskRequests, lookOutMs } from "./look-out.js";

/** Longest time that the event loop is kept turning for one answer, in ms: a few times what a small statement takes. */
export const awakeMs = 2;

export interface StayAwakeDependencies {
  /** In ms. */
  now: () => number;
  processors: number;
  /** Calls back in the next turn of the event loop, and keeps the loop from going to sleep until then. */
  nextTurn: (work: () => void) => void;
}

/**
 * The other side of the look-out: keeps the event loop turning while the store works on a request, as long as requests come
 * one right after the other. A loop that has nothing to do sleeps, and waking it from an idle processor takes longer
 * than many a statement. Nothing is held up: every turn serves sockets and timers as ever. Where an answer takes long, requests
 * come now and then, or there is one processor only, the loop sleeps until the answer wakes it.
 */
export function createStayAwake({ now, processors, nextTurn }: StayAwakeDependencies) {
  let brisk = 0;
  let answeredAt = Number.NEGATIVE_INFINITY;
  let until = Number.NEGATIVE_INFINITY;
  let turning = false;

  const turn = (): void => {
    turning = now() <= until;
    if (turning) nextTurn(turn);
  };

  return {
    /** A request is on its way to the store. */
    asked(): void {
      const at = now();
      brisk = at - answeredAt <= lookOutMs ? brisk + 1 : 0;
      if (processors < 2 || brisk < briskRequests) return;
      until = at + awakeMs;
      if (turning) return;
      turning = true;
      nextTurn(turn);
    },
    answered(): void {
      answeredAt = now();
      until = Number.NEGATIVE_INFINITY;
    },
  };
}
