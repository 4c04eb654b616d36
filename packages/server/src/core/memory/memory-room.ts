import { limits, MusterError } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { countMemories } from "../queue/statements/memories.ts";

/** How long a count is good for, with what was added since. */
const countedForMs = 60_000;
/** Tenants whose count is kept. */
const mostTenants = 1_000;

/**
 * Refuses the memory that is one too many. Counting all of a tenant takes its time, so it is done once a minute at most;
 * several nodes together may pass the bound by what they add within that.
 */
export function createMemoryRoom(
  database: Database,
  clock: Clock,
  most: number = limits.memoriesPerTenant,
): (tenant: string) => Promise<void> {
  const counts = new Map<string, { memories: number; at: number }>();
  return async function check(tenant) {
    let count = counts.get(tenant);
    if (count === undefined || clock.now() >= count.at + countedForMs || count.memories >= most) {
      const [row] = await database.query(countMemories, [tenant, most]);
      count = { memories: row?.memories ?? 0, at: clock.now() };
      counts.delete(tenant);
      counts.set(tenant, count);
      if (counts.size > mostTenants) counts.delete(counts.keys().next().value as string);
    }
    if (count.memories >= most) {
      throw new MusterError("limit_exceeded", `There are ${most} memories, and no room for another.`, {
        hint: "Forget what is not needed any more (muster memory forget), or let memories expire (ttlMs).",
      });
    }
    count.memories += 1;
  };
}
