import { limits, type StateChange } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { EventService, StateChangeFilter, StateChanges } from "../orchestrator.ts";
import { readStateChanges, type StateChangeRow } from "../queue/statements/state.ts";
import { isoTime } from "../task-view.ts";

export interface StateChangesDependencies {
  database: Database;
  clock: Clock;
  events: EventService;
}

const changeOf = ({ seq, at, type, data }: StateChangeRow): StateChange => ({
  position: seq,
  path: data.path,
  version: data.version,
  deleted: type === "state.deleted",
  writtenAt: isoTime(at),
  writtenBy: data.by,
});

/**
 * The changes of a project are events, so they come in order and without a gap, and whoever saw one goes on behind
 * it. Reads what there is, up to where nothing can appear any more; where there is nothing, waits for the first change.
 */
export function createStateChanges({ database, clock, events }: StateChangesDependencies) {
  async function read(
    tenant: string,
    project: string,
    { after, prefix = "", limit = limits.pageSize }: StateChangeFilter,
  ): Promise<StateChanges> {
    const upTo = await events.latest();
    if (after === undefined) return { items: [], position: upTo };
    const rows = await database.query(readStateChanges, [tenant, project, after, upTo, prefix, limit]);
    const last = rows.length < limit ? Math.max(upTo, after) : (rows.at(-1)?.seq ?? upTo);
    return { items: rows.map(changeOf), position: last };
  }

  /** Resolves when a change of the project behind `after` can be read, when the time is over, or when nobody waits. */
  function happens(
    tenant: string,
    project: string,
    after: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.setTimer(waitMs, end);
      signal?.addEventListener("abort", end, { once: true });
      const subscription = events.subscribe(
        after,
        { types: ["state.written", "state.deleted"], project },
        { tenant, role: "client", name: "state" },
        end,
      );
      function end(): void {
        timer.cancel();
        signal?.removeEventListener("abort", end);
        void subscription.end();
        resolve();
      }
    });
  }

  return async function changes(
    tenant: string,
    project: string,
    filter: StateChangeFilter,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<StateChanges> {
    const until = clock.now() + waitMs;
    let found = await read(tenant, project, filter);
    while (found.items.length === 0 && clock.now() < until && signal?.aborted !== true) {
      await happens(tenant, project, found.position, until - clock.now(), signal);
      found = await read(tenant, project, { ...filter, after: found.position });
    }
    return found;
  };
}
