import type { Message } from "@muster/sdk/protocol";

/** Priorities are whole numbers from 1 to 10; 10 goes first. */
export const highestPriority = 10;

/** Messages that wait: the highest priority first, and those of one priority in the order of sending. */
export class PriorityQueue {
  /** One lane per priority. Lane 0 stays empty. */
  readonly #lanes: Message[][] = Array.from({ length: highestPriority + 1 }, () => []);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The caller has checked the priority. */
  push(message: Message, priority: number): void {
    this.#lanes[priority]!.push(message);
    this.#length += 1;
  }

  shift(): Message | undefined {
    if (this.#length === 0) return undefined;
    this.#length -= 1;
    // Lanes are short (a mailbox is bounded), and there `shift` is cheaper than any bookkeeping of ours.
    return this.#lanes.findLast((lane) => lane.length > 0)!.shift();
  }

  clear(): void {
    for (const lane of this.#lanes) lane.length = 0;
    this.#length = 0;
  }
}
