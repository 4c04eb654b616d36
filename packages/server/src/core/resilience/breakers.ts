import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { Announce } from "../aftermath.ts";
import {
  type BreakerRow,
  beginProbes,
  dropLostProbes,
  halfOpenDue,
  readBreakers,
  returnProbes,
} from "../queue/statements/breakers.ts";
import type { BreakerPolicy } from "./breaker.ts";
import { createBreakerCopy } from "./breaker-copy.ts";
import { type HeldBreakers, holdBreakers } from "./hold-breakers.ts";

export interface BreakersDependencies {
  database: Database;
  clock: Clock;
  log: Log;
  announce: Announce;
  metrics?: Metrics;
  policy: BreakerPolicy;
}

/** A call that would be the probe of a half-open breaker. */
export interface Probe {
  agentId: string;
  taskId: string;
  token: string;
}

/** Rows moved by one statement. */
const batch = 200;
/** Breakers that a node knows of. */
const mostKnown = 10_000;

/**
 * The breakers of agents. The truth is a row for each agent that ever failed, moved under its lock with the task that
 * moves it; every node has a copy in memory, which dispatch asks. Work of healthy agents touches neither.
 */
export function createBreakers(deps: BreakersDependencies) {
  const { database, clock, log, announce, policy } = deps;
  const copy = createBreakerCopy(deps.metrics);

  const hold = (tx: Queryable, agentIds: readonly string[], now: number): Promise<HeldBreakers> =>
    holdBreakers(tx, agentIds, now, policy, copy.lastSuccess);

  /** A failure was counted elsewhere by somebody who did not know that the agent had succeeded here since. */
  function owesSuccess({ agent_id, state, pristine, memory }: BreakerRow): boolean {
    const success = copy.lastSuccess(agent_id);
    if (success === undefined || pristine || state !== "closed") return false;
    const [failedAt, timedOutAt] = [memory.failedAt?.[0], memory.timedOutAt?.[0]];
    return success >= Math.min(failedAt ?? Number.POSITIVE_INFINITY, timedOutAt ?? Number.POSITIVE_INFINITY);
  }

  async function paySuccesses(agentIds: readonly string[]): Promise<void> {
    const rows = await database.transaction(async (tx) => {
      const held = await hold(tx, agentIds, clock.now());
      for (const agentId of agentIds) {
        const at = copy.lastSuccess(agentId);
        if (at !== undefined) held.record(agentId, { kind: "success", at, call: "" });
      }
      return held.save();
    });
    announce({ breakers: rows });
  }

  function take(rows: readonly BreakerRow[]): BreakerRow[] {
    const moved = copy.take(rows);
    const owing = rows.filter(owesSuccess).map((row) => row.agent_id);
    if (owing.length > 0) {
      paySuccesses(owing).catch((error: unknown) =>
        log.warn({ error, agentIds: owing }, "A success was not told to breakers."),
      );
    }
    return moved;
  }

  return {
    of: copy.of,
    succeeded: copy.succeeded,
    hold,
    /** Takes in what changed, here or elsewhere; answers those whose state is another one now. */
    take,
    /** Asks for each whether it may be the probe: answers the breakers whose probe it now is. */
    beginProbes: (on: Queryable, probes: readonly Probe[]): Promise<BreakerRow[]> =>
      on.query(beginProbes, [
        JSON.stringify(probes.map((p) => ({ agent_id: p.agentId, token: p.token, task_id: p.taskId }))),
        clock.now(),
      ]),
    returnProbes: (on: Queryable, tokens: readonly string[]): Promise<BreakerRow[]> =>
      on.query(returnProbes, [tokens, clock.now()]),
    /** Lets breakers whose cool-down is over have a probe. */
    async endCoolDowns(now: number): Promise<void> {
      for (;;) {
        const rows = await database.query(halfOpenDue, [now, batch]);
        if (rows.length > 0) announce({ breakers: rows });
        if (rows.length < batch) return;
      }
    },
    /** Another probe for those whose probe was cancelled, or lost, or waits for others. */
    async dropLostProbes(): Promise<void> {
      announce({ breakers: await database.query(dropLostProbes, [clock.now(), batch]) });
    },
    /** Looks at all of them anew: at the start, and in case a signal was lost. */
    async refresh(): Promise<void> {
      take(await copy.refresh(() => database.query(readBreakers, ["*", mostKnown])));
    },
  };
}

export type Breakers = ReturnType<typeof createBreakers>;
