import type { Metrics } from "../../ports/metrics.ts";
import type { BreakerRow } from "../queue/statements/breakers.ts";

/** Whose success is remembered; with more agents than this, memory begins anew. */
const mostAgents = 20_000;

/**
 * What this node knows of breakers: the rows that are not pristine, kept by what it does itself and what others tell.
 * Dispatch asks it for every agent, so it answers from a map. It may be a moment behind; what must be right under all
 * circumstances, such as that there is one probe, the row decides.
 */
export function createBreakerCopy(metrics: Metrics | undefined) {
  const rows = new Map<string, BreakerRow>();
  const takenIn = new Map<string, number>();
  const successes = new Map<string, number>();
  let readings = 0;

  const of = (agentId: string): BreakerRow | undefined => {
    const row = rows.get(agentId);
    return row?.pristine === false ? row : undefined;
  };

  function measure(): void {
    if (metrics === undefined) return;
    for (const state of ["open", "half_open"] as const) {
      const count = [...rows.values()].filter((row) => row.state === state).length;
      metrics.gauge("muster_breakers", count, { state });
    }
  }

  /** Takes in rows as they are now; answers those whose state is another one by that. */
  function take(fresh: readonly BreakerRow[]): BreakerRow[] {
    const moved = fresh.filter((row) => {
      const known = rows.get(row.agent_id);
      if (known !== undefined && known.version >= row.version) return false;
      // One that is pristine stays for a while, too, so that older news which comes late is known to be old.
      rows.set(row.agent_id, row);
      takenIn.set(row.agent_id, readings);
      return (known?.state ?? "closed") !== row.state;
    });
    if (moved.length > 0) measure();
    for (const { state } of moved) metrics?.count("muster_breaker_changes", { state });
    return moved;
  }

  return {
    /** The breaker of an agent; undefined where it is closed and nothing is held against the agent. */
    of,
    take,
    /** Reads all that there are, and forgets others, unless they came in since the reading began. */
    async refresh(read: () => Promise<BreakerRow[]>): Promise<BreakerRow[]> {
      const reading = ++readings;
      const all = await read();
      const present = new Set(all.map((row) => row.agent_id));
      for (const agentId of [...rows.keys()]) {
        if (present.has(agentId) || (takenIn.get(agentId) ?? 0) >= reading) continue;
        rows.delete(agentId);
        takenIn.delete(agentId);
      }
      measure();
      return all;
    },
    /** Remembers when an agent last succeeded here: others may count failures, not knowing of it. */
    succeeded(agentId: string, at: number): void {
      if (successes.size >= mostAgents && !successes.has(agentId)) successes.clear();
      successes.set(agentId, at);
    },
    lastSuccess: (agentId: string): number | undefined => successes.get(agentId),
  };
}
