/** Aborts what is under way when the attempt is lost, or the loop's time is over. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** It was the time. */
  readonly isOver: boolean;
  /** The time counts from here; said once, the rest is a repetition. */
  start(startedAt: number): void;
  stop(): void;
}

export const createDeadline = (outer: AbortSignal, timeMs: number, now: () => number): Deadline => {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const passOn = () => controller.abort(outer.reason);
  if (outer.aborted) passOn();
  else outer.addEventListener("abort", passOn, { once: true });
  const expire = () => {
    isOver = true;
    controller.abort(new DOMException("The agent's time for the task is over.", "TimeoutError"));
  };
  return {
    signal: controller.signal,
    get isOver() {
      return isOver;
    },
    start(startedAt) {
      if (timer !== undefined) return;
      timer = setTimeout(expire, Math.max(0, startedAt + timeMs - now()));
      timer.unref();
    },
    stop() {
      clearTimeout(timer);
      outer.removeEventListener("abort", passOn);
    },
  };
};
