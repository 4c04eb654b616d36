import { type Event, type EventType, MusterError, type TriggerOn } from "@muster/sdk/protocol";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { Aftermath, Announce } from "../aftermath.ts";
import { eventOf } from "../events/event-of.ts";
import {
  findBusyTriggers,
  lockTrigger,
  moveTrigger,
  noteTriggerStart,
  readTriggerEvents,
  type TriggerRow,
  triggerDepth,
} from "../queue/statements/triggers.ts";
import { type StartDependencies, startScheduled } from "../schedules/start-scheduled.ts";
import { isoTime } from "../task-view.ts";
import { isUuid } from "../validate.ts";
import { matchEvent } from "./match-event.ts";
import { withEvent } from "./with-event.ts";

/** Least time between two looks, so that a busy node does not ask all the time. */
const lookEveryMs = 250;
/** Triggers that are found, and events of one trigger that are read, together. */
const batch = 100;
const eventsAtOnce = 200;
/** Moves of one trigger before the next has its turn; the next look goes on. */
const mostMoves = 200;
/** A trigger that found nothing is moved on only once this many events have passed, to write less. */
const restAfter = 1_000;
const minuteMs = 60_000;
const nobody = "00000000-0000-0000-0000-000000000000";

export interface FireTriggerDependencies extends StartDependencies {
  database: Database;
  log: Log;
  announce: Announce;
  /** The number of the newest event behind which none is missing. */
  latest: () => Promise<number>;
}

/** What a move of a trigger writes beside its position. */
interface Move {
  position: number;
  minuteAt: number;
  inMinute: number;
  heldUntil: number | null;
  startedId: string | null;
  skipped: number;
  events: { type: EventType; data: object }[];
}

/** What is left to do: nothing for now, or more. */
interface Step {
  more: boolean;
  effects: Aftermath[];
}

const done: Step = { more: false, effects: [] };

/**
 * Hands in the work of triggers for events that happened. A trigger's position among the events is a row: it is locked, the
 * work for one event is handed in and the position moved past that event in one transaction. So of many nodes that look
 * at once, and through any crash, one does it, once; and what happened while no node was there is made up for.
 * A chain of triggers that start each other ends at a depth, and none starts more than its share of a minute.
 */
export function createFireTriggers(deps: FireTriggerDependencies) {
  const { database, clock, log, announce } = deps;
  let running: Promise<void> | null = null;
  let lastLook = Number.NEGATIVE_INFINITY;
  let stopped = false;

  async function pass(): Promise<void> {
    const newest = await deps.latest();
    for (let after = nobody; !stopped; ) {
      const busy = await database.query(findBusyTriggers, [newest, clock.now(), after, batch]);
      for (const { id } of busy) await catchUp(id, newest);
      if (busy.length < batch) return;
      after = busy.at(-1)?.id as string;
    }
  }

  async function catchUp(id: string, newest: number): Promise<void> {
    for (let moves = 0; moves < mostMoves && !stopped; moves++) {
      const { more, effects } = await step(id, newest);
      for (const effect of effects) announce(effect);
      if (!more) return;
    }
  }

  async function step(id: string, newest: number): Promise<Step> {
    // The event whose work is being handed in, so that one that can't be is left out and not tried for ever.
    const at: { event?: Event } = {};
    try {
      return await database.transaction((tx) => considerNext(tx, id, newest, at));
    } catch (error) {
      if (at.event === undefined || (error instanceof MusterError && error.retryable)) throw error;
      const { event } = at;
      log.error({ error, trigger: id, event: event.seq }, "The work of a trigger could not be handed in.");
      return database.transaction((tx) => leaveOut(tx, id, event, error as Error));
    }
  }

  async function considerNext(
    tx: Queryable,
    id: string,
    newest: number,
    at: { event?: Event },
  ): Promise<Step> {
    const row = await lockIt(tx, id);
    if (row === undefined || (row.held_until !== null && row.held_until > clock.now())) return done;
    const { tenant, position, types, capability } = row;
    const rows = await tx.query(readTriggerEvents, [
      tenant,
      position,
      newest,
      types,
      capability,
      eventsAtOnce,
    ]);
    const found = rows.map(eventOf).find((event) => matchEvent(event, row.conditions as TriggerOn["where"]));
    if (found !== undefined) {
      at.event = found;
      return act(tx, row, found);
    }
    const isEnd = rows.length < eventsAtOnce;
    const end = isEnd ? newest : (rows.at(-1)?.seq as number);
    if (!isEnd || end - position >= restAfter) await move(tx, row, { ...unmoved(row), position: end });
    return { more: !isEnd, effects: [] };
  }

  /** Starts the work for an event, unless that would be too deep, or too much for now. */
  async function act(tx: Queryable, row: TriggerRow, event: Event): Promise<Step> {
    const depth = (await depthOf(tx, event)) + 1;
    if (depth > row.max_depth) return skip(tx, row, event, { reason: "depth", depth });
    const now = clock.now();
    const isSame = now - row.minute_at < minuteMs && now >= row.minute_at;
    const [minuteAt, inMinute] = isSame ? [row.minute_at, row.in_minute] : [now, 0];
    if (inMinute >= row.max_per_minute) return hold(tx, row, event, minuteAt + minuteMs);
    const document = withEvent(row.document, row.event_as, event);
    const { id, effects } = await startScheduled(deps, tx, { tenant: row.tenant, document });
    await tx.query(noteTriggerStart, [id, row.id, event.seq, depth, now]);
    const started = {
      type: "trigger.started",
      data: { ...facts(row, event), starts: row.starts, id },
    } as const;
    await move(tx, row, {
      ...{ position: event.seq, minuteAt, inMinute: inMinute + 1, heldUntil: null },
      ...{ startedId: id, skipped: 0, events: [started] },
    });
    return { more: true, effects };
  }

  async function skip(tx: Queryable, row: TriggerRow, event: Event, why: object): Promise<Step> {
    const skipped = { type: "trigger.skipped", data: { ...facts(row, event), ...why } } as const;
    await move(tx, row, { ...unmoved(row), position: event.seq, skipped: 1, events: [skipped] });
    return { more: true, effects: [{}] };
  }

  /** Stays in front of the event until the next minute begins. */
  async function hold(tx: Queryable, row: TriggerRow, event: Event, until: number): Promise<Step> {
    const held = { type: "trigger.held", data: { ...facts(row, event), until: isoTime(until) } } as const;
    await move(tx, row, { ...unmoved(row), position: event.seq - 1, heldUntil: until, events: [held] });
    return { more: false, effects: [{}] };
  }

  /** The work for it can't be handed in, now or later, so it does not stand in the way of the next one. */
  async function leaveOut(tx: Queryable, id: string, event: Event, { message }: Error): Promise<Step> {
    const row = await lockIt(tx, id);
    // Somebody else has moved on meanwhile, or is about to.
    if (row === undefined || row.position >= event.seq) return done;
    return skip(tx, row, event, { reason: "failed", message });
  }

  async function move(tx: Queryable, row: TriggerRow, to: Move): Promise<void> {
    const { position, minuteAt, inMinute, heldUntil, startedId, skipped, events } = to;
    const place = [row.id, row.position, position, minuteAt, inMinute, heldUntil, startedId, skipped];
    const moved = await tx.query(moveTrigger, [...place, clock.now(), JSON.stringify(events)]);
    if (moved.length === 0) throw new Error(`Trigger ${row.id} moved under its lock.`);
  }

  return {
    /** Everything that there is to do now. */
    pass,
    /** Looks for events that triggers wait for, and does not wait for what that leads to. */
    look(): void {
      if (running !== null || stopped || clock.now() - lastLook < lookEveryMs) return;
      lastLook = clock.now();
      running = pass()
        .catch((error: unknown) => log.warn({ error }, "Triggers could not act; they will look again."))
        .finally(() => {
          running = null;
        });
    },
    async stop(): Promise<void> {
      stopped = true;
      await running;
    },
  };
}

export type FireTriggers = ReturnType<typeof createFireTriggers>;

const lockIt = async (tx: Queryable, id: string) => (await tx.query(lockTrigger, [id]))[0];

/** A write of state says in its data which task made it. */
async function depthOf(tx: Queryable, { taskId, runId, data }: Event): Promise<number> {
  const named = typeof data.task === "string" && isUuid(data.task) ? data.task : null;
  return (await tx.query(triggerDepth, [taskId ?? named, runId]))[0]?.depth ?? 0;
}

const facts = ({ id, name }: TriggerRow, { seq }: Event) => ({ trigger: id, name, event: seq });

const unmoved = (row: TriggerRow): Move => ({
  position: row.position,
  minuteAt: row.minute_at,
  inMinute: row.in_minute,
  heldUntil: null,
  startedId: null,
  skipped: 0,
  events: [],
});
