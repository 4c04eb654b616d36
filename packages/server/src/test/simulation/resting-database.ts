import type { Database } from "../../ports/database.ts";

/** Turns of the event loop without an end that count as a fault of the simulation. */
const mostTurns = 100_000;

export interface RestingDatabase {
  database: Database;
  /** Resolves when no call is under way and what the last answers set off has come to rest. */
  rest: () => Promise<void>;
}

/**
 * Counts the calls that are under way, so that a simulated clock knows when a moment is over. The engine runs in
 * this thread and answers without a timer, so whatever one timer sets off ends within a few turns of the loop,
 * always the same ones.
 */
export function createRestingDatabase(inner: Database): RestingDatabase {
  let underWay = 0;

  async function counted<T>(call: Promise<T>): Promise<T> {
    underWay += 1;
    try {
      return await call;
    } finally {
      underWay -= 1;
    }
  }

  return {
    database: {
      query: (statement, parameters) => counted(inner.query(statement, parameters)),
      transaction: (work) => counted(inner.transaction(work)),
      snapshot: (work) => counted(inner.snapshot(work)),
      execute: (script) => counted(inner.execute(script)),
      maintain: () => counted(inner.maintain()),
      close: () => inner.close(),
    },
    async rest() {
      for (let turn = 0; turn < mostTurns; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (underWay === 0) return;
      }
      throw new Error(`The database did not come to rest within ${mostTurns} turns of the event loop.`);
    },
  };
}
