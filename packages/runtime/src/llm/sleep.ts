import type { Clock } from "../clock.ts";
import { ModelError } from "./model.ts";

/** Waits, by the clock that is given; rejects with `cancelled` as soon as the caller gives up. */
export function sleep(ms: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stop = () => {
      cancel();
      const message = "The call was called off while it waited.";
      reject(new ModelError("cancelled", message, { retryable: false, cause: signal?.reason }));
    };
    const cancel = clock.setTimer(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
