import { setTimeout as pause } from "node:timers/promises";
import { MusterError } from "@muster/sdk/protocol";

/** Between two tries. */
const pauseMs = 500;

/**
 * Opens something on a server, again and again while that can't be reached, for up to `patienceMs`: where everything
 * is started at once, servers take longer than nodes. Whatever else is wrong is told at once.
 */
export async function untilReached<T>(
  open: () => Promise<T>,
  patienceMs: number,
  onWait: (reason: string) => void,
): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let tries = 1; ; tries++) {
    try {
      return await open();
    } catch (error) {
      if (!isPassing(error) || performance.now() + pauseMs > until) throw error;
      if (tries === 1) onWait((error as Error).message);
      await pause(pauseMs);
    }
  }
}

/** A server that is starting, or a node of before that has not quite let go. */
const isPassing = (error: unknown): boolean =>
  error instanceof MusterError && (error.retryable || error.code === "storage_locked");
