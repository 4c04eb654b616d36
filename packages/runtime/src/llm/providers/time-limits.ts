import type { Clock } from "../../clock.ts";
import type { ProviderTimeouts } from "../model-settings.ts";

/** The provider took too long. */
export class ProviderTimedOut extends Error {
  override readonly name = "ProviderTimedOut";
}

export interface TimeLimits {
  /** Aborted when a limit is over, with a `ProviderTimedOut`, or with the caller's signal. */
  signal: AbortSignal;
  /** Something came: the wait for the next piece begins. */
  touch(): void;
  /** Called in any case: nothing that the call began goes on after it. */
  end(): void;
}

/** The limits of one call: until the first piece, between pieces, and for all of it. */
export function startTimeLimits(
  { firstMs, idleMs, totalMs }: ProviderTimeouts,
  clock: Clock,
  caller: AbortSignal | undefined,
): TimeLimits {
  const controller = new AbortController();
  const abort = (words: string) => () => controller.abort(new ProviderTimedOut(words));
  const follow = () => controller.abort(caller?.reason);
  const cancelTotal = clock.setTimer(totalMs, abort(`gave no whole answer within ${totalMs} ms`));
  let cancelPiece = clock.setTimer(firstMs, abort(`gave no sign of life within ${firstMs} ms`));
  if (caller?.aborted) follow();
  caller?.addEventListener("abort", follow, { once: true });

  return {
    signal: controller.signal,
    touch() {
      cancelPiece();
      cancelPiece = clock.setTimer(idleMs, abort(`fell silent for ${idleMs} ms`));
    },
    end() {
      cancelTotal();
      cancelPiece();
      caller?.removeEventListener("abort", follow);
      controller.abort();
    },
  };
}
