import { type Addressee, limits, type TaskError } from "@muster/sdk/protocol";
import { routeToPeople } from "../queue/route.ts";
import type { ItemRow } from "../queue/statements/inbox.ts";

/** How an item's task ends. */
export type ItemEnd =
  | { status: "completed"; output: unknown }
  | { status: "failed" | "cancelled"; error: TaskError };

/** What a move makes of an item: how it is then, what happened, and how its task ends, if it does. */
export interface ItemMove {
  item: ItemRow;
  events: { type: string; data: Record<string, unknown> }[];
  end?: ItemEnd;
}

/** Somebody may act on it: its task waits for a person, or for whoever comes first. */
export const isOpen = (item: ItemRow): boolean => item.status === "ready" && !item.delayed;

/** Who has it for themselves now. */
export const claimantOf = (item: ItemRow, now: number): string | null =>
  item.claimed_until !== null && item.claimed_until > now ? item.claimed_by : null;

/** The next moment at which something is to be done without anybody acting. */
export function dueOf(item: ItemRow): number | null {
  const times = [item.remind_at, item.escalate_at, item.expires_at, item.claimed_until];
  return times.reduce((least, at) => (at === null ? least : Math.min(at, least ?? at)), null);
}

const free = { claimed_by: null, claimed_until: null } as const;

/** A task that agents could do as well is for people alone while one of them has it, or was named. */
function routed(item: ItemRow): ItemRow {
  if (item.kind !== "task") return item;
  const plain = item.plain_route ?? item.route;
  const isTaken = item.claimed_by !== null || item.to_person !== null || item.to_capability !== null;
  return { ...item, plain_route: plain, route: isTaken ? routeToPeople(plain) : plain };
}

const open = (item: ItemRow, type: string, data: Record<string, unknown>): ItemMove => ({
  item: routed(item),
  events: [{ type, data }],
});

/** Nothing is due of what is over. */
const over = (item: ItemRow): ItemRow => ({
  ...item,
  ...free,
  remind_at: null,
  escalate_at: null,
  expires_at: null,
});

/** Its task ended without anybody here: nothing more is due. */
export const forget = (item: ItemRow): ItemMove => ({ item: over(item), events: [] });

/** A gate that does not open cancels its task: what depends on it fails, and it is no dead letter that somebody could revive. */
const refusal = (item: ItemRow, error: TaskError): ItemEnd => ({
  status: item.gate ? "cancelled" : "failed",
  error: { ...error, retryable: false },
});

export const claim = (item: ItemRow, by: string, until: number): ItemMove =>
  open({ ...item, claimed_by: by, claimed_until: until }, "inbox.claimed", { by, until });

export const release = (item: ItemRow, by: string): ItemMove =>
  open({ ...item, ...free }, "inbox.released", { by });

export function answer(item: ItemRow, by: string, value: unknown, now: number): ItemMove {
  const isNo = item.kind === "approval" && (value as { approved: boolean }).approved === false;
  const reason = isNo ? (value as { reason?: string }).reason : undefined;
  const message = `${by} did not approve it${reason === undefined ? "" : `: ${reason}`}.`;
  return {
    item: { ...over(item), answered_by: by, answered_at: now },
    events: [{ type: "inbox.answered", data: { by, ...(item.kind === "approval" && { approved: !isNo }) } }],
    end:
      isNo && item.gate
        ? refusal(item, { code: "not_approved", message })
        : { status: "completed", output: value },
  };
}

/** It goes to somebody else, or to whom it escalates; where nobody is left it fails, with the reason. */
export function decline(
  item: ItemRow,
  by: string,
  reason: string | undefined,
  othersLeft: boolean,
): ItemMove {
  const declined = item.declined.includes(by) ? item.declined : [...item.declined, by];
  const said = { by, ...(reason === undefined ? {} : { reason }) };
  if (item.kind === "task")
    return open({ ...item, ...free, to_person: null, to_capability: null, declined }, "inbox.declined", said);
  const left = { ...item, ...free, declined };
  if (othersLeft) return open(left, "inbox.declined", said);
  if (canEscalate(item)) {
    const { item: widened, events } = escalate(left);
    return { item: widened, events: [{ type: "inbox.declined", data: said }, ...events] };
  }
  const message = `${by} declined it${reason === undefined ? "" : `: ${reason}`}, and nobody else is left.`;
  return {
    item: { ...over(item), declined },
    events: [{ type: "inbox.declined", data: said }],
    end: refusal(item, { code: "declined", message }),
  };
}

/** Gives it to another one, whoever it was for before. */
export function delegate(item: ItemRow, by: string, to: Addressee): ItemMove {
  const declined = item.declined.filter((name) => name !== to.person);
  const next = {
    ...item,
    ...free,
    to_person: to.person ?? null,
    to_capability: to.capability ?? null,
    declined: to.capability === undefined ? declined : item.declined,
  };
  return open(next, "inbox.delegated", { by, to });
}

const canEscalate = (item: ItemRow): boolean =>
  !item.escalated && (item.escalate_person !== null || item.escalate_capability !== null);

function escalate(item: ItemRow): ItemMove {
  const to =
    item.escalate_person === null
      ? { capability: item.escalate_capability }
      : { person: item.escalate_person };
  return open({ ...item, escalated: true, escalate_at: null }, "inbox.escalated", { to });
}

/**
 * What its times bring about, all that have come at once; null: nothing but that it is over. `nextReminder` says when
 * somebody may be reminded: not outside of working hours.
 */
export function elapse(item: ItemRow, now: number, nextReminder: (at: number) => number): ItemMove | null {
  const has = (at: number | null): boolean => at !== null && at <= now;
  if (item.status !== "ready" && item.status !== "blocked") return null;
  if (has(item.expires_at)) return expire(item);
  let move: ItemMove = { item, events: [] };
  const then = (next: ItemMove): void => {
    move = { item: next.item, events: [...move.events, ...next.events] };
  };
  if (has(item.claimed_until)) then(release(move.item, item.claimed_by as string));
  if (has(item.escalate_at)) {
    if (canEscalate(move.item)) then(escalate(move.item));
    else move = { ...move, item: { ...move.item, escalate_at: null } };
  }
  if (has(item.remind_at)) then(remind(move.item, now, nextReminder));
  return move;
}

function remind(item: ItemRow, now: number, nextReminder: (at: number) => number): ItemMove {
  const at = nextReminder(now);
  // They sleep: later.
  if (at > now) return { item: { ...item, remind_at: at }, events: [] };
  const reminders = item.reminders + 1;
  const isLast = reminders >= limits.remindersPerQuestion || item.remind_ms === null;
  const remind_at = isLast ? null : now + (item.remind_ms as number);
  return open({ ...item, reminders, remind_at }, "inbox.reminded", { reminders, to: addresseeOf(item) });
}

function expire(item: ItemRow): ItemMove {
  const events = [{ type: "inbox.expired", data: { answered: item.fallback !== null } }];
  if (item.fallback !== null && item.status === "ready") {
    const [value] = item.fallback;
    const isNo = item.kind === "approval" && (value as { approved?: boolean }).approved !== true;
    if (!(item.gate && isNo))
      return { item: over(item), events, end: { status: "completed", output: value } };
  }
  const end = refusal(item, { code: "expired", message: "Nobody answered in time." });
  return { item: over(item), events, end };
}

export const addresseeOf = (item: ItemRow): Addressee | null =>
  item.to_person !== null
    ? { person: item.to_person }
    : item.to_capability !== null
      ? { capability: item.to_capability }
      : null;

export const escalatedTo = (item: ItemRow): Addressee | null => {
  if (!item.escalated) return null;
  if (item.escalate_person !== null) return { person: item.escalate_person };
  return item.escalate_capability === null ? null : { capability: item.escalate_capability };
};
