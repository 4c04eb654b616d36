import type { Log } from "../../ports/log.ts";

/** What a broken put left behind is kept for this long, since a put may still be under way. */
export const defaultStaleMs = 24 * 3_600_000;
const sweepMs = 3_600_000;

/** Sweeps now and every hour, without keeping the process alive. The result calls it off and waits for a sweep under way. */
export function sweepRegularly(sweep: () => Promise<number>, log: Pick<Log, "info" | "warn">) {
  let sweeping: Promise<void> | undefined;
  const run = () => {
    sweeping ??= sweepOnce(sweep, log).finally(() => {
      sweeping = undefined;
    });
  };
  run();
  const timer = setInterval(run, sweepMs);
  timer.unref();
  return async (): Promise<void> => {
    clearInterval(timer);
    await sweeping;
  };
}

async function sweepOnce(sweep: () => Promise<number>, log: Pick<Log, "info" | "warn">): Promise<void> {
  try {
    const removed = await sweep();
    if (removed > 0) log.info({ removed }, "Leftovers of broken puts were removed from the blob store.");
  } catch (error) {
    log.warn({ error }, "The blob store could not be swept.");
  }
}
