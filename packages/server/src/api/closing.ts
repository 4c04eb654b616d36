/** Tells everything that waits that the server is about to close. */
export interface Closing {
  readonly begun: boolean;
  /** Calls `work` once when closing begins, at once if it has begun. Call the result off when it is not needed any more. */
  onBegin(work: () => void): () => void;
  begin(): void;
}

export function createClosing(): Closing {
  let begun = false;
  const waiting = new Set<() => void>();
  return {
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
    begin() {
      begun = true;
      const all = [...waiting];
      waiting.clear();
      for (const work of all) work();
    },
  };
}
