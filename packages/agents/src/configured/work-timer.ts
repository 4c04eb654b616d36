import type { TaskContext } from "@muster/sdk";
import { WorkError } from "./work-error.ts";

/** The time that one attempt has. It stands still while people are asked. */
export interface WorkTimer {
  /** Aborted when the time is up, or the attempt's own signal is. */
  readonly signal: AbortSignal;
  readonly isUp: boolean;
  /** Does what takes others' time, and not the work's. */
  still<T>(wait: () => Promise<T>): Promise<T>;
  end(): void;
}

export function createWorkTimer(context: TaskContext, timeoutMs: number, subject: string): WorkTimer {
  const slow = new AbortController();
  const error = new WorkError("timeout", `${subject} took longer than ${timeoutMs} ms.`);
  let leftMs = timeoutMs;
  let begunAt = performance.now();
  let waits = 0;
  let timer: NodeJS.Timeout | undefined;
  const go = (): void => {
    begunAt = performance.now();
    timer = setTimeout(() => slow.abort(error), leftMs);
  };
  const halt = (): void => {
    clearTimeout(timer);
    leftMs = Math.max(1, leftMs - (performance.now() - begunAt));
  };
  go();
  return {
    signal: AbortSignal.any([context.signal, slow.signal]),
    get isUp() {
      return slow.signal.aborted && !context.signal.aborted;
    },
    async still(wait) {
      if (waits++ === 0) halt();
      try {
        return await wait();
      } finally {
        if (--waits === 0 && !slow.signal.aborted) go();
      }
    },
    end: () => clearTimeout(timer),
  };
}
