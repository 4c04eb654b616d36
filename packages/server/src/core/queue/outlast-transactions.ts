import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { eventEdge } from "./statements/events.ts";

const lookAgainMs = 5;
/** Nobody is waited for longer than this. */
const mostWaitMs = 2_000;

/** Waits until every transaction that has changed something and is under way now has ended. */
export async function outlastTransactions(database: Database, clock: Clock): Promise<void> {
  const until = clock.now() + mostWaitMs;
  const look = async () => (await database.query(eventEdge))[0]?.open ?? [];
  let open = await look();
  while (open.length > 0 && clock.now() < until) {
    await new Promise<void>((resolve) => clock.setTimer(lookAgainMs, resolve));
    const still = new Set(await look());
    open = open.filter((transaction) => still.has(transaction));
  }
}
