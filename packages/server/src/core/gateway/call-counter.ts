import type { Clock } from "../../ports/clock.ts";

/** Callers that are counted at once; beyond that all counts begin anew. */
const mostCallers = 10_000;

/** Counts calls of each caller, in windows of fixed length. */
export class CallCounter {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #perMs: number;
  readonly #counts = new Map<string, number>();
  #endsAt = 0;

  constructor(clock: Clock, most: number, perMs: number) {
    this.#clock = clock;
    this.#most = most;
    this.#perMs = perMs;
  }

  /** False when this is one too many. */
  take(caller: string): boolean {
    const now = this.#clock.now();
    if (now >= this.#endsAt || this.#counts.size >= mostCallers) {
      this.#counts.clear();
      this.#endsAt = now + this.#perMs;
    }
    const count = (this.#counts.get(caller) ?? 0) + 1;
    this.#counts.set(caller, count);
    return count <= this.#most;
  }
}
