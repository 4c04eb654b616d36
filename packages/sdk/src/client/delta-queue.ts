import type { TextDelta } from "../protocol/index.ts";

/** Pieces that wait for a reader; of what comes beyond that, the oldest are left out, and the next one says so. */
const mostWaiting = 1_000;

/** Between whoever hears pieces and whoever reads them. */
export const createDeltaQueue = () => {
  const waiting: TextDelta[] = [];
  let wake = () => {};
  let isOver = false;

  const push = (delta: TextDelta): void => {
    waiting.push(delta);
    if (waiting.length > mostWaiting) {
      const lost = waiting.shift()!;
      const next = waiting.find(({ taskId }) => taskId === lost.taskId);
      if (next !== undefined) next.missed += lost.missed + lost.text.length;
    }
    wake();
  };

  const end = (): void => {
    isOver = true;
    wake();
  };

  return {
    push,
    end,
    /** Ends at `end`, or when the signal is aborted. */
    async *read(signal: AbortSignal | undefined): AsyncGenerator<TextDelta> {
      const onAbort = () => wake();
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        while (!signal?.aborted) {
          const delta = waiting.shift();
          if (delta !== undefined) yield delta;
          else if (isOver) return;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        signal?.removeEventListener("abort", onAbort);
      }
    },
  };
};
