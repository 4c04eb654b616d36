import { type Event, limits, MusterError } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { EventFilter, EventService, Principal } from "../orchestrator.ts";
import { readEvents } from "../queue/statements/events.ts";
import { eventOf } from "./event-of.ts";
import { createHorizon } from "./horizon.ts";

/** Least time between two reads for subscribers, so that under load many events share one. */
const breathMs = 10;
/** How soon events are read again after the database failed. */
const readAgainMs = 1_000;
/** Events that are kept in memory for subscribers who keep up. */
const tailLength = 5_000;
const pageLength = limits.pageSize;

const concerns = (event: Event, filter: EventFilter, principal: Principal): boolean =>
  (principal.tenant === "*" || event.tenant === principal.tenant || event.tenant === "*") &&
  (filter.taskId === undefined || event.taskId === filter.taskId) &&
  (filter.runId === undefined || event.runId === filter.runId) &&
  (filter.types === undefined || filter.types.includes(event.type)) &&
  (filter.project === undefined ||
    ((event.type === "state.written" || event.type === "state.deleted") &&
      event.data.project === filter.project));

/**
 * ⑨ notify: events reach every subscriber in order and without a gap. Events live in the database; a wake-up
 * only says that there are more. As long as anybody listens, one reader fetches each new event once and keeps
 * a short tail of them; a subscriber who is behind the tail reads pages of its own until it has caught up.
 */
export function createEventFeed(database: Database, clock: Clock, log: Log) {
  let tail: Event[] = [];
  /** Everything up to here is in the tail or older than it. */
  let tailEnd = 0;
  let reading = false;
  let more = false;
  let lastRead = Number.NEGATIVE_INFINITY;
  const wakers = new Set<() => void>();

  const horizon = createHorizon(database, clock);

  async function read(after: number, filter: EventFilter, principal: Principal, limit: number = pageLength) {
    const rows = await database.query(readEvents, [
      after,
      await horizon.settled(),
      principal.tenant,
      filter.taskId ?? null,
      filter.runId ?? null,
      filter.types === undefined ? null : [...filter.types],
      Math.min(limit, pageLength),
      filter.project ?? null,
    ]);
    return rows.map(eventOf);
  }

  /** Says that there may be new events. Costs nothing while nobody listens. */
  function wake(): void {
    if (wakers.size === 0) return;
    more = true;
    if (!reading) void readTail();
  }

  async function readTail(): Promise<void> {
    reading = true;
    try {
      while (more && wakers.size > 0) {
        more = false;
        const early = lastRead + breathMs - clock.now();
        if (early > 0) await new Promise<void>((resolve) => clock.setTimer(early, resolve));
        lastRead = clock.now();
        const { upTo, newest } = await horizon.look();
        if (newest > upTo) more = true;
        if (upTo === tailEnd) continue;
        const rows = await database.query(readEvents, [
          tailEnd,
          upTo,
          "*",
          null,
          null,
          null,
          pageLength,
          null,
        ]);
        if (rows.length === pageLength) more = true;
        if (rows.length === 0) continue;
        tail.push(...rows.map(eventOf));
        if (tail.length > tailLength * 2) tail = tail.slice(-tailLength);
        tailEnd = (tail.at(-1) as Event).seq;
        for (const waker of [...wakers]) waker();
      }
    } catch (error) {
      log.warn({ error }, "Events could not be read; they will be read again.");
      clock.setTimer(readAgainMs, wake);
    } finally {
      reading = false;
    }
  }

  function subscribe(
    after: number,
    filter: EventFilter,
    principal: Principal,
    onEvent: (event: Event) => Promise<void> | void,
  ) {
    let cursor = after;
    let ended = false;
    let wakeUp: () => void = () => {};
    const waker = () => wakeUp();

    /** What comes next for this subscriber; the cursor moves past what it does not want. */
    async function next(): Promise<Event[]> {
      const first = tail[0];
      if (first === undefined || cursor < first.seq - 1) {
        const page = await read(cursor, filter, principal);
        if (page.length === 0 && first !== undefined) cursor = Math.max(cursor, first.seq - 1);
        return page;
      }
      const start = tail.findIndex((event) => event.seq > cursor);
      if (start < 0) return [];
      const fresh = tail.slice(start);
      const wanted = fresh.filter((event) => concerns(event, filter, principal));
      if (wanted.length === 0) cursor = (fresh.at(-1) as Event).seq;
      return wanted;
    }

    /** Reads until it succeeds or nobody wants to know any more: a database that is away ends no subscription. */
    async function persist<T>(work: () => Promise<T>, none: T): Promise<T> {
      while (!ended) {
        try {
          return await work();
        } catch (error) {
          if (!(error instanceof MusterError && error.retryable)) throw error;
          log.warn({ error }, "Events could not be read for a subscriber; they will be read again.");
          await new Promise<void>((resolve) => clock.setTimer(readAgainMs, resolve));
        }
      }
      return none;
    }

    async function pump(): Promise<void> {
      if (tailEnd === 0) tailEnd = Math.max(tailEnd, await persist(horizon.settled, 0));
      if (ended) return;
      wakers.add(waker);
      // What others have written meanwhile may have been announced before anybody listened.
      wake();
      while (!ended) {
        const woken = new Promise<void>((resolve) => {
          wakeUp = resolve;
        });
        const before = cursor;
        const events = await persist(next, []);
        for (const event of events) {
          if (ended) return;
          await onEvent(event);
          cursor = event.seq;
        }
        if (events.length === 0 && cursor === before) await woken;
      }
    }

    pump().catch((error: unknown) => {
      wakers.delete(waker);
      log.warn({ error }, "A subscription to events ended because its reader failed.");
    });
    return {
      async end(): Promise<void> {
        ended = true;
        wakers.delete(waker);
        wakeUp();
        if (wakers.size === 0) {
          tail = [];
          tailEnd = 0;
        }
      },
    };
  }

  const service: EventService = { read, latest: horizon.settled, subscribe };
  return { service, wake };
}

export type EventFeed = ReturnType<typeof createEventFeed>;
