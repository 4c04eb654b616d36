import type { Queryable } from "../../ports/database.ts";
import { type BreakerRow, lockBreakers, saveBreakers } from "../queue/statements/breakers.ts";
import { type Breaker, type BreakerPolicy, type CallOutcome, recordOutcome } from "./breaker.ts";
import { breakerOf, eventOf, rowOf } from "./breaker-row.ts";

/** What is to be told of a change that a person made. */
export interface ByHand {
  by: string;
  reason: string | null;
}

interface Held {
  row: BreakerRow;
  breaker: Breaker;
}

/**
 * The breakers of some agents, locked until the transaction ends. They move in memory and are written once, together with
 * the events of their moves.
 */
export interface HeldBreakers {
  record(agentId: string, outcome: CallOutcome): void;
  /** Whether the agent is to get no work now, one probe aside. */
  isOut(agentId: string): boolean;
  /** Moves one as a person says. False: nobody has heard of the agent. */
  set(agentId: string, move: (breaker: Breaker) => Breaker, hand: ByHand): boolean;
  /** Writes what changed; answers these rows. */
  save(): Promise<BreakerRow[]>;
}

/**
 * Locks the breakers of agents. Whoever moves tasks in the same transaction does this before, so that all lock in the
 * same order.
 */
export async function holdBreakers(
  tx: Queryable,
  agentIds: readonly string[],
  now: number,
  policy: BreakerPolicy,
  lastSuccess: (agentId: string) => number | undefined,
): Promise<HeldBreakers> {
  const rows = agentIds.length === 0 ? [] : await tx.query(lockBreakers, [[...new Set(agentIds)], now]);
  const held = new Map<string, Held>(rows.map((row) => [row.agent_id, { row, breaker: breakerOf(row) }]));
  const before = new Map([...held].map(([agentId, { breaker }]) => [agentId, breaker]));
  const events: { agent_id: string; type: string; data: object }[] = [];

  function move(one: Held, after: Breaker, hand?: ByHand): void {
    const event = eventOf(one.breaker, after, one.row.agent_name);
    if (event !== null)
      events.push({ agent_id: one.row.agent_id, ...event, data: { ...event.data, ...hand } });
    const byHand = { set_by: hand?.by ?? null, reason: hand?.reason ?? null };
    one.row = event === null && hand === undefined ? one.row : { ...one.row, ...byHand };
    one.breaker = after;
  }

  function record(one: Held, outcome: CallOutcome): void {
    const success = lastSuccess(one.row.agent_id);
    if (success !== undefined && one.breaker.state === "closed") {
      move(one, recordOutcome(one.breaker, { kind: "success", at: success, call: "" }, policy));
    }
    move(one, recordOutcome(one.breaker, outcome, policy));
  }

  return {
    record(agentId, outcome) {
      const one = held.get(agentId);
      if (one !== undefined) record(one, outcome);
    },
    isOut: (agentId) => (held.get(agentId)?.breaker.state ?? "closed") !== "closed",
    set(agentId, change, hand) {
      const one = held.get(agentId);
      if (one !== undefined) move(one, change(one.breaker), hand);
      return one !== undefined;
    },
    async save() {
      const changed = [...held.values()].filter(({ row, breaker }) => before.get(row.agent_id) !== breaker);
      if (changed.length === 0) return [];
      const saved = changed.map(({ row, breaker }) => rowOf(breaker, row));
      return tx.query(saveBreakers, [JSON.stringify(saved), JSON.stringify(events), now]);
    },
  };
}
