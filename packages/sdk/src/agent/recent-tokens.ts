/**
 * Remembers the lease tokens of the last `size` to twice `size` assignments, to know a repeated message from a
 * new one. Two generations: when the young one is full, the old one is forgotten as a whole.
 */
export class RecentTokens {
  readonly #size: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(size: number) {
    this.#size = size;
  }

  /** True the first time. */
  add(token: string): boolean {
    if (this.#young.has(token) || this.#old.has(token)) return false;
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(token);
    return true;
  }
}
