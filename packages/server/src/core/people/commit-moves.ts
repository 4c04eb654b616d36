import type { Queryable } from "../../ports/database.ts";
import type { Aftermath } from "../aftermath.ts";
import { cascade, type End } from "../completion/cascade.ts";
import { type ItemRow, lockItemTasks, readItems, saveItems } from "../queue/statements/inbox.ts";
import { dueOf, type ItemMove } from "./inbox-moves.ts";

/** Items as they are, held against every other change. In two statements: the second sees what the first waited for. */
export async function holdItems(tx: Queryable, ids: readonly string[]): Promise<ItemRow[]> {
  await tx.query(lockItemTasks, [ids]);
  return tx.query(readItems, [ids]);
}

/** Writes moves with their events, and ends the tasks that they end, with everything that follows. */
export async function commitMoves(
  tx: Queryable,
  moves: readonly ItemMove[],
  now: number,
): Promise<Aftermath[]> {
  if (moves.length === 0) return [];
  const items = moves.map(({ item }) => ({ ...savedOf(item), due_at: dueOf(item) }));
  const events = moves.flatMap(({ item, events: told }) =>
    told.map((event) => ({ ...event, task_id: item.task_id })),
  );
  await tx.query(saveItems, [JSON.stringify(items), JSON.stringify(events), now]);
  const due = items.flatMap(({ due_at }) => (due_at === null ? [] : [due_at]));
  const aftermath: Aftermath = {
    ...(due.length > 0 && { dueAt: Math.min(...due) }),
    ready: moves.filter(({ end }) => end === undefined).map(({ item }) => item.route),
  };
  const ends = moves.flatMap(({ item, end }): End[] =>
    end === undefined ? [] : [{ id: item.task_id, ...end }],
  );
  return ends.length === 0 ? [aftermath] : [aftermath, (await cascade(tx, ends, now)).aftermath];
}

const savedOf = (item: ItemRow) => ({
  task_id: item.task_id,
  tenant: item.tenant,
  kind: item.kind,
  route: item.route,
  to_person: item.to_person,
  to_capability: item.to_capability,
  escalated: item.escalated,
  declined: item.declined,
  claimed_by: item.claimed_by,
  claimed_until: item.claimed_until,
  plain_route: item.plain_route,
  reminders: item.reminders,
  remind_at: item.remind_at,
  escalate_at: item.escalate_at,
  expires_at: item.expires_at,
  answered_by: item.answered_by,
  answered_at: item.answered_at,
});
