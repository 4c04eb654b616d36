import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import { findDueItems, type ItemRow } from "../queue/statements/inbox.ts";
import { findPerson, type PersonRow } from "../queue/statements/people.ts";
import { commitMoves, holdItems } from "./commit-moves.ts";
import { elapse, forget } from "./inbox-moves.ts";
import { nextAtWork } from "./working-hours.ts";

/** Items moved on in one transaction. */
const batch = 200;

export interface InboxUpkeepDependencies {
  database: Database;
  clock: Clock;
  announce: Announce;
}

/** Reminds, escalates, ends claims and lets questions expire, as their times come. */
export function createInboxUpkeep({ database, announce }: InboxUpkeepDependencies) {
  return async function settleDue(now: number): Promise<void> {
    for (;;) {
      const due = (await database.query(findDueItems, [now, batch])).map((row) => row.task_id);
      if (due.length === 0) return;
      const effects = await database.transaction(async (tx) => {
        const items = await holdItems(tx, due);
        const reminded = await readReminded(tx, items, now);
        const moves = items.map((item) => {
          const hours = reminded.get(`${item.tenant} ${item.to_person}`)?.hours ?? null;
          return elapse(item, now, (at) => nextAtWork(hours, at)) ?? forget(item);
        });
        return commitMoves(tx, moves, now);
      });
      for (const effect of effects) announce(effect);
      if (due.length < batch) return;
    }
  };
}

/** Those who would be reminded now, by tenant and name. */
async function readReminded(
  tx: Queryable,
  items: readonly ItemRow[],
  now: number,
): Promise<Map<string, PersonRow>> {
  const found = new Map<string, PersonRow>();
  for (const { tenant, to_person, remind_at } of items) {
    if (to_person === null || remind_at === null || remind_at > now) continue;
    if (found.has(`${tenant} ${to_person}`)) continue;
    const [person] = await tx.query(findPerson, [tenant, null, to_person]);
    if (person !== undefined) found.set(`${tenant} ${to_person}`, person);
  }
  return found;
}
