/** Ids of one generation. Two generations are kept. */
const idsPerGeneration = 20_000;

/** Remembers the newest ids, at least `idsPerGeneration` of them, to know a message that comes again. */
export class RecentIds {
  #newer = new Set<string>();
  #older = new Set<string>();

  /** False for an id that was there already. */
  add(id: string): boolean {
    if (this.#newer.has(id) || this.#older.has(id)) return false;
    this.#newer.add(id);
    if (this.#newer.size >= idsPerGeneration) {
      this.#older = this.#newer;
      this.#newer = new Set();
    }
    return true;
  }
}
