import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { type EventEdge, eventEdge } from "../queue/statements/events.ts";

/** Pause between two looks while somebody waits for the horizon. */
const lookAgainMs = 5;
/** The longest that a reader waits for what others have under way. */
const mostWaitMs = 2_000;

/** How far events can be read. */
export interface Reach {
  /** No event up to this number will ever appear that is not there now. */
  upTo: number;
  /** The newest event that can be seen already; behind those above `upTo` others may still appear. */
  newest: number;
}

/**
 * Events are numbered before they are committed, so on several connections a higher number can become visible
 * before a lower one, and a reader who went on from the higher would miss the lower. The horizon says how far reading is
 * safe: up to the newest event of a moment since when every transaction that was under way has ended.
 * On one connection that is every event at once.
 */
export function createHorizon(database: Database, clock: Clock) {
  let upTo = 0;
  /** An end of the events that becomes the horizon when those who were under way then have ended. */
  let candidate: EventEdge | null = null;

  async function look(): Promise<Reach> {
    const asked = candidate;
    const [edge] = await database.query(eventEdge);
    if (edge === undefined) throw new Error("The events have an edge, even where there are none.");
    // Looks may overtake each other; who was under way before the candidate says nothing of those whom it waits for.
    if (asked === candidate) candidate = advance(asked, edge);
    // Where nobody writes, nobody has to be waited for.
    if (edge.open.length === 0) upTo = Math.max(upTo, edge.newest);
    return { upTo, newest: edge.newest };
  }

  function advance(from: EventEdge | null, edge: EventEdge): EventEdge {
    if (from === null) return edge;
    const open = from.open.filter((transaction) => edge.open.includes(transaction));
    if (open.length > 0) return { newest: from.newest, open };
    upTo = Math.max(upTo, from.newest);
    return edge;
  }

  return {
    look,
    /**
     * Waits until all that can be seen now can be read, so that whoever wrote finds what they wrote; for up to 2 s,
     * then as far as is safe.
     */
    async settled(): Promise<number> {
      const until = clock.now() + mostWaitMs;
      const { newest } = await look();
      while (upTo < newest && clock.now() < until) {
        await new Promise<void>((resolve) => clock.setTimer(lookAgainMs, resolve));
        await look();
      }
      return upTo;
    },
  };
}
