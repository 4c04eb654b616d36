// @ts-check

/** Longest time that the thread looks out for the next request, in ms: a link of a chain of tasks comes within it. */
export const lookOutMs = 0.5;

/** Requests in a row that came so soon, before the thread looks out at all. */
export const briskRequests = 16;

/**
 * Fetches the next request without going to sleep, as long as requests come one right after the other. Waking a thread of
 * an idle processor takes both sides longer than many a statement. Where the next one does not come in time, or there is
 * one processor only, the thread sleeps until it is woken, and looks out again after a number of brisk requests: a
 * store that is used now and then costs no processor time.
 *
 * @template T
 * @param {{ receive: () => T | undefined, now: () => number, processors: number }} deps
 *   `receive` answers what is there, at once; `now` is in ms.
 */
export function createLookOut({ receive, now, processors }) {
  let brisk = 0;
  let answeredAt = Number.NEGATIVE_INFINITY;

  return {
    /** A request came that the thread was woken for. */
    woken() {
      brisk = now() - answeredAt <= lookOutMs ? brisk + 1 : 0;
    },
    /**
     * A request was answered. The next one, or undefined where the thread shall sleep.
     * @returns {T | undefined}
     */
    next() {
      answeredAt = now();
      if (processors < 2 || brisk < briskRequests) return undefined;
      do {
        const found = receive();
        if (found !== undefined) return found;
      } while (now() - answeredAt <= lookOutMs);
      brisk = 0;
      return undefined;
    },
  };
}
