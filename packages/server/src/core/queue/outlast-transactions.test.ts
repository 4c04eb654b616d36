import { expect, it } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import type { Database } from "../../ports/database.ts";
import { outlastTransactions } from "./outlast-transactions.ts";

/** A database in which these transactions are under way, look by look; the last ones for ever. */
function under(...way: string[][]) {
  let asked = 0;
  const query = async () => [{ newest: 0, open: way[Math.min(asked++, way.length - 1)] }];
  return { database: { query } as unknown as Database, asked: () => asked };
}

it("waits for those who were under way when it was asked, and for no later ones", async () => {
  const { database, asked } = under(["a", "b"], ["b", "c"], ["c", "d"], ["d"]);
  await outlastTransactions(database, createSystemClock());
  expect(asked()).toBe(3);
});

it("does not wait where nobody changes anything", async () => {
  const { database, asked } = under([]);
  await outlastTransactions(database, createSystemClock());
  expect(asked()).toBe(1);
});

it("gives up after two seconds", async () => {
  const { database, asked } = under(["stuck"]);
  let now = 0;
  const clock = { ...createSystemClock(), now: () => (now += 500) };
  await outlastTransactions(database, clock);
  expect(asked()).toBe(4);
});
