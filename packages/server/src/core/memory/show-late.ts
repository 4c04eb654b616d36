import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { findUnseen, showEmbeddings } from "../queue/statements/near-memories.ts";
import { nearCodeOf } from "./near-code.ts";

/** How long a step may hold up the others in the database, about, and how many embeddings it shows at most. */
const stepMs = 25;
const mostInStep = 128;
/** All is looked through again this often: another node may have written in the manner of an older version. */
const againMs = 600_000;
/** What is done before work begins. */
const stepsAtStart = 4;
const mostAtStart = 32;

/**
 * Shows searches the embeddings that they can't see yet: after a restore, after an upgrade, or when an index was made
 * anew. Newest first, in small steps with as long a pause after each, so that everything else goes on meanwhile.
 */
export function createShowLate(database: Database, clock: Clock) {
  let doneAt = Number.NEGATIVE_INFINITY;
  let atOnce = 8;
  let stopped = false;
  let wake = (): void => {};

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = clock.setTimer(ms, resolve);
      wake = () => {
        timer.cancel();
        resolve();
      };
    });

  async function step(model: string, dimensions: number, before: string | null, most: number) {
    const [row] = await database.query(findUnseen, [model, before, dimensions, most]);
    const { last = null, unseen = [] } = row ?? {};
    if (unseen.length > 0) {
      const codes = unseen.map(({ id, embedding }) => ({ id, ...nearCodeOf(embedding) }));
      await database.query(showEmbeddings, [model, JSON.stringify(codes)]);
    }
    return { last, shown: unseen.length };
  }

  return {
    /** There is something that searches can't see. */
    restart(): void {
      doneAt = Number.NEGATIVE_INFINITY;
    },

    /**
     * The first few, before work begins, which is all there is of a small store. Answers whether others are likely to be
     * left.
     */
    async begin(model: string, dimensions: number): Promise<boolean> {
      let shown = 0;
      let before: string | null = null;
      for (let n = 0; n < stepsAtStart; n++) {
        const done = await step(model, dimensions, before, mostAtStart);
        shown += done.shown;
        if (done.last === null) return false;
        before = done.last;
      }
      return shown > 0;
    },

    /**
     * Answers how many were shown, once all are or it was stopped; null: it is not due. Tells with the first ones
     * that there are some.
     */
    async run(model: string, dimensions: number, onUnseen: () => void): Promise<number | null> {
      if (clock.now() < doneAt + againMs) return null;
      const begun = clock.now();
      let shown = 0;
      for (let before: string | null = null; !stopped; ) {
        const from = clock.now();
        const done = await step(model, dimensions, before, atOnce);
        const took = clock.now() - from;
        shown += done.shown;
        if (done.shown > 0) onUnseen();
        if (done.last === null) break;
        before = done.last;
        if (done.shown === 0) continue;
        atOnce =
          took > stepMs
            ? Math.max(1, atOnce >> 1)
            : took < stepMs / 2
              ? Math.min(mostInStep, atOnce * 2)
              : atOnce;
        await pause(Math.max(1, Math.min(took, 1_000)));
      }
      if (!stopped) doneAt = begun;
      return shown;
    },

    stop(): void {
      stopped = true;
      wake();
    },
  };
}
