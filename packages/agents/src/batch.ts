export interface BatchOptions<In, Out> {
  /** Requests that are done together. */
  maxSize: number;
  /** Batches under way at the same time. */
  maxRunning: number;
  /** Whether two requests may share a batch. */
  belongTogether: (one: In, other: In) => boolean;
  /** Does a batch; its outputs are in the order of the inputs. */
  run: (inputs: readonly In[], signal: AbortSignal) => Promise<Out[]>;
}

interface Request<In, Out> {
  input: In;
  signal: AbortSignal;
  settle: (outcome: { output: Out } | { failure: unknown }) => void;
}

/**
 * Joins requests that wait at the same time into batches, for work whose beginning costs more than the work.
 * A request alone begins at once. When a batch fails its requests are done one by one, so that no request
 * fails through another. Whoever aborts is let go at once; a batch stops when nobody waits for it any more.
 */
export const createBatcher = <In, Out>(
  options: BatchOptions<In, Out>,
): ((input: In, signal: AbortSignal) => Promise<Out>) => {
  const waiting: Request<In, Out>[] = [];
  let running = 0;

  const runTogether = async (requests: readonly Request<In, Out>[]): Promise<void> => {
    const wanted = requests.filter(({ signal }) => !signal.aborted);
    if (wanted.length === 0) return;
    const { signal, release } = whenAllAborted(wanted.map((request) => request.signal));
    try {
      const inputs = wanted.map(({ input }) => input);
      const outputs = await options.run(inputs, signal);
      for (const [index, { settle }] of wanted.entries()) settle({ output: outputs[index]! });
    } catch (failure) {
      if (wanted.length === 1) wanted[0]?.settle({ failure });
      else for (const request of wanted) await runTogether([request]);
    } finally {
      release();
    }
  };

  const pump = (): void => {
    while (running < options.maxRunning && waiting.length > 0) {
      const batch = takeBatch(waiting, options);
      running += 1;
      void runTogether(batch).finally(() => {
        running -= 1;
        pump();
      });
    }
  };

  return (input, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const abort = (): void => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      const settle: Request<In, Out>["settle"] = (outcome) => {
        signal.removeEventListener("abort", abort);
        if ("output" in outcome) resolve(outcome.output);
        else reject(outcome.failure);
      };
      waiting.push({ input, signal, settle });
      // After this turn of the event loop, so that requests that come together are seen together.
      setImmediate(pump);
    });
};

/** The oldest request and those behind it that go with it. */
const takeBatch = <In, Out>(
  waiting: Request<In, Out>[],
  { maxSize, belongTogether }: BatchOptions<In, Out>,
): Request<In, Out>[] => {
  const first = waiting[0]!;
  const batch: Request<In, Out>[] = [];
  for (let index = 0; index < waiting.length && batch.length < maxSize; ) {
    if (belongTogether(first.input, waiting[index]!.input)) batch.push(...waiting.splice(index, 1));
    else index += 1;
  }
  return batch;
};

const whenAllAborted = (signals: readonly AbortSignal[]): { signal: AbortSignal; release: () => void } => {
  const controller = new AbortController();
  const look = (): void => {
    if (signals.every(({ aborted }) => aborted)) controller.abort(signals.at(-1)?.reason);
  };
  for (const signal of signals) signal.addEventListener("abort", look);
  const release = (): void => {
    for (const signal of signals) signal.removeEventListener("abort", look);
  };
  return { signal: controller.signal, release };
};
