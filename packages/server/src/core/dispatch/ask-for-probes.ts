import type { Queryable } from "../../ports/database.ts";
import type { BreakerRow } from "../queue/statements/breakers.ts";
import type { ClaimedTask } from "../queue/statements/claim.ts";
import type { Breakers, Probe } from "../resilience/breakers.ts";

/** A task for an agent, and whether it would be the probe of the agent's breaker. */
interface Place extends Probe {
  probe: boolean;
}

/** Leave for probes: of all nodes, one has it for each half-open breaker, and only as long as the probe is claimed. */
export function createAskForProbes(breakers: Pick<Breakers, "beginProbes" | "returnProbes">) {
  return {
    /** Leaves out what this node has no leave for. `begun`: the breakers that it has leave for. */
    async ask<P extends Place>(
      on: Queryable,
      places: readonly P[],
    ): Promise<{ allowed: readonly P[]; begun: BreakerRow[]; refused: boolean }> {
      const probes = places.filter((place) => place.probe);
      if (probes.length === 0) return { allowed: places, begun: [], refused: false };
      const begun = await breakers.beginProbes(on, probes);
      const tokens = new Set(begun.map((row) => row.probe));
      const allowed = places.filter((place) => !place.probe || tokens.has(place.token));
      return { allowed, begun, refused: begun.length < probes.length };
    },
    /** Gives back the leave for what could not be claimed; answers all these breakers as they are then. */
    async keep(
      on: Queryable,
      begun: readonly BreakerRow[],
      claimed: readonly ClaimedTask[],
    ): Promise<BreakerRow[]> {
      const tokens = new Set(claimed.map((task) => task.token));
      const kept = begun.filter((row) => tokens.has(row.probe as string));
      const idle = begun.flatMap(({ probe }) => (probe === null || tokens.has(probe) ? [] : [probe]));
      return idle.length === 0 ? kept : [...kept, ...(await breakers.returnProbes(on, idle))];
    },
  };
}
