import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable, Statement } from "../../ports/database.ts";
import type { Chance } from "./chance.ts";
import { type Faults, lost } from "./faults.ts";
import type { Rewrite } from "./mutations.ts";
import { never, type SimulatedProcess } from "./simulated-process.ts";

export interface FaultyDatabaseOptions {
  inner: Database;
  process: SimulatedProcess;
  clock: Clock;
  chance: Chance;
  faults: Faults;
  rewrite: Rewrite;
  /** Told what each single statement answered, at the moment of its commit. */
  witness: (statement: string, rows: readonly unknown[]) => void;
  note: (line: string) => void;
}

/** Share of single statements that still arrive when the process dies while they are on their way. */
const arrivesAnyway = 0.5;
const commit: Statement = { name: "sim_commit", text: "commit" };
/** Statements of a transaction after which it may break. */
const longestBeforeBreak = 5;

/**
 * The database as one process sees it over a bad connection: calls take time, fail before they did anything, or
 * fail after they were committed. A transaction happens at one moment, all of it or nothing.
 */
export function createFaultyDatabase(options: FaultyDatabaseOptions): Database {
  const { inner, process, clock, chance, faults, rewrite, witness, note } = options;

  const travel = (): Promise<void> => {
    const delayMs = faults.databaseDelayMs === 0 ? 0 : chance.int(0, faults.databaseDelayMs);
    return delayMs === 0 ? Promise.resolve() : new Promise((resolve) => clock.setTimer(delayMs, resolve));
  };

  async function call<T>(name: string, survivesCaller: boolean, run: () => Promise<T>): Promise<T> {
    await travel();
    if (process.isDead && !(survivesCaller && chance.is(arrivesAnyway))) return never();
    if (chance.is(faults.databaseBefore)) {
      note(`database: ${name} fails`);
      throw lost(`${name} did not reach the database`);
    }
    const result = await run();
    await travel();
    if (chance.is(faults.databaseAfter)) {
      note(`database: ${name} happened, its answer is lost`);
      throw lost(`the answer to ${name} was lost`);
    }
    return result;
  }

  /** `told`: what its statements answered, for the witness once it is committed. */
  function fragile(tx: Queryable, told: [string, readonly unknown[]][]): Queryable {
    let left = chance.is(faults.databaseBefore)
      ? chance.int(1, longestBeforeBreak)
      : Number.POSITIVE_INFINITY;
    return {
      async query(statement, parameters) {
        left -= 1;
        if (left <= 0) {
          note(`database: a transaction breaks at ${statement.name}`);
          throw lost(`the connection broke at ${statement.name}`);
        }
        const rows = await tx.query(rewrite(statement), parameters);
        told.push([statement.name, rows]);
        if (statement.name === rewrite.commitsAfter) await tx.query(commit);
        return rows;
      },
    };
  }

  const begin = <T>(name: string, survivesCaller: boolean, run: () => Promise<T>): Promise<T> =>
    process.isDead ? never() : process.answer(call(name, survivesCaller, run));

  return {
    query: (statement, parameters) =>
      begin(statement.name, true, async () => {
        const rows = await inner.query(rewrite(statement), parameters);
        witness(statement.name, rows);
        return rows;
      }),
    transaction: (work) =>
      begin("a transaction", false, async () => {
        const told: [string, readonly unknown[]][] = [];
        const result = await inner.transaction((tx) => work(fragile(tx, told)));
        for (const [statement, rows] of told) witness(statement, rows);
        return result;
      }),
    snapshot: (work) => begin("a snapshot", false, () => inner.snapshot((tx) => work(fragile(tx, [])))),
    execute: (script) => begin("a script", true, () => inner.execute(script)),
    maintain: () => begin("maintenance", true, () => inner.maintain()),
    close: async () => {},
  };
}
