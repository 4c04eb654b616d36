/**
 * The end of a server, in two steps that everybody hears of. While it *drains* it goes on as ever, but says that it is
 * about to go: `/readyz` answers 503 and connections are not kept. When *closing* has begun, whatever waits is answered
 * with what there is, and nothing new is taken.
 */
export interface Closing {
  readonly draining: boolean;
  readonly begun: boolean;
  /** Calls `work` once when closing begins, at once if it has begun. Call the result off when it is not needed any more. */
  onBegin(work: () => void): () => void;
  drain(): void;
  begin(): void;
}

export function createClosing(): Closing {
  let draining = false;
  let begun = false;
  const waiting = new Set<() => void>();
  return {
    get draining() {
      return draining;
    },
    get begun() {
      return begun;
    },
    onBegin(work) {
      if (begun) {
        work();
        return () => {};
      }
      waiting.add(work);
      return () => waiting.delete(work);
    },
    drain() {
      draining = true;
    },
    begin() {
      draining = true;
      begun = true;
      const all = [...waiting];
      waiting.clear();
      for (const work of all) work();
    },
  };
}
