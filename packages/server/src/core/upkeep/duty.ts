import type { Clock } from "../../ports/clock.ts";
import type { Lock, Locks } from "../../ports/locks.ts";
import type { Log } from "../../ports/log.ts";

/** A node that stopped renewing is relieved after this long. */
const dutyMs = 5_000;
/** Renewed when less than this is left. */
const renewBelowMs = 3_000;

export interface DutyDependencies {
  /** Left out where there is one node. */
  locks?: Locks;
  clock: Clock;
  log: Log;
}

/**
 * Which node does upkeep: one is enough, and more would only do the same work in vain. It is a saving and not a
 * guard, since every statement of upkeep may run anywhere, at once and twice. So while nobody can tell who has the
 * duty, every node has it.
 */
export function createDuty({ locks, clock, log }: DutyDependencies) {
  let held: Lock | null = null;

  async function take(from: Locks): Promise<Lock | null> {
    if (held !== null && held.expiresAt - clock.now() > renewBelowMs) return held;
    const renewed = held === null ? null : await from.renew(held, dutyMs);
    return renewed ?? from.acquire("upkeep", dutyMs);
  }

  return {
    /** Whether this node is to do upkeep now. */
    async isMine(): Promise<boolean> {
      if (locks === undefined) return true;
      try {
        held = await take(locks);
        return held !== null;
      } catch (error) {
        log.debug({ error }, "Nobody can tell which node does upkeep, so each does.");
        held = null;
        return true;
      }
    },
    /** Lets another node have it at once. */
    async giveUp(): Promise<void> {
      const lock = held;
      held = null;
      if (lock !== null) await locks?.release(lock).catch(() => undefined);
    },
  };
}

export type Duty = ReturnType<typeof createDuty>;
