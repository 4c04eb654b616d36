import type { AgentRecord } from "../../ports/agent-registry.ts";

/**
 * Agent records in memory, made for being listed often. Records are handed out as they are kept, not copied, and are
 * frozen and replaced at every change, so that whoever was given one keeps what was true at that moment.
 */
export class AgentRoll {
  readonly #records = new Map<string, AgentRecord>();
  readonly #places = new Map<string, number>();
  /** All records, kept so that listing them is copying one array; null when agents came or went. */
  #listed: AgentRecord[] | null = null;
  /** Nobody in the list expires before this moment, and perhaps not at it. */
  #wholeUntil = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#records.size;
  }

  get(agentId: string): AgentRecord | undefined {
    return this.#records.get(agentId);
  }

  records(): IterableIterator<AgentRecord> {
    return this.#records.values();
  }

  set(record: AgentRecord): void {
    const kept = Object.freeze(record);
    const isNew = !this.#records.has(kept.id);
    this.#records.set(kept.id, kept);
    if (isNew) this.#listed = null;
    if (this.#listed === null) return;
    this.#listed[this.#places.get(kept.id) as number] = kept;
    this.#wholeUntil = Math.min(this.#wholeUntil, kept.expiresAt);
  }

  /** Changes what is known of an agent; of one that is not there, nothing. */
  change(agentId: string, changes: Partial<AgentRecord>): void {
    const record = this.#records.get(agentId);
    if (record !== undefined) this.set({ ...record, ...changes });
  }

  delete(agentId: string): AgentRecord | undefined {
    const record = this.#records.get(agentId);
    if (this.#records.delete(agentId)) this.#listed = null;
    return record;
  }

  /** Everyone who has not expired at `now`. */
  list(now: number): AgentRecord[] {
    this.#listed ??= this.#call();
    if (now >= this.#wholeUntil) this.#wholeUntil = earliestExpiry(this.#listed);
    return now < this.#wholeUntil
      ? this.#listed.slice()
      : this.#listed.filter((record) => !isExpired(record, now));
  }

  clear(): void {
    this.#records.clear();
    this.#listed = null;
  }

  #call(): AgentRecord[] {
    const called = [...this.#records.values()];
    this.#places.clear();
    for (const [place, { id }] of called.entries()) this.#places.set(id, place);
    this.#wholeUntil = earliestExpiry(called);
    return called;
  }
}

export const isExpired = (record: AgentRecord, now: number): boolean => record.expiresAt <= now;

function earliestExpiry(records: readonly AgentRecord[]): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { expiresAt } of records) if (expiresAt < earliest) earliest = expiresAt;
  return earliest;
}
