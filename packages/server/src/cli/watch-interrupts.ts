import type { CliContext, StopSignal } from "./cli-context.ts";

/** What a process exits with that a signal ended: 128 and the number of the signal. */
const signalExitCodes: Readonly<Record<StopSignal, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
};

export interface Interrupts {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The exit code that belongs to the signal that came, or undefined. */
  exitCode(): number | undefined;
  stop(): void;
}

/** The first signal asks for an orderly end; a second one leaves at once, after `beforeLeaving`. */
export function watchInterrupts(
  context: CliContext,
  beforeLeaving: () => void = () => undefined,
): Interrupts {
  const abort = new AbortController();
  let received: StopSignal | undefined;
  const stop = context.onSignal((signal) => {
    if (received !== undefined) {
      beforeLeaving();
      context.leave(signalExitCodes[signal]);
      return;
    }
    received = signal;
    abort.abort(new Error(`stopped by ${signal}`));
  });
  return {
    signal: abort.signal,
    exitCode: () => (received === undefined ? undefined : signalExitCodes[received]),
    stop,
  };
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
