import type { Clock } from "../../ports/clock.ts";
import type { Violation } from "./event-rules.ts";
import { mostSkewMs } from "./faults.ts";

export interface LockWitnessOptions {
  clock: Clock;
  violate: (violation: Violation) => void;
  note: (line: string) => void;
}

interface Grant {
  tenant: string;
  name: string;
  token: string;
  fence: number;
  expiresAt: number;
  taskId: string | null;
}

interface Row {
  kind?: string;
  tenant: string;
  name: string;
  token: string;
  fence: number;
  expires_at: number;
  task_id: string | null;
}

/**
 * Follows every grant of a lock as it is committed: fences grow, and nobody gets a lock while somebody else has it who
 * neither released it nor let its time pass. A lock of an attempt may end with the attempt, which is looked at at the end.
 */
export function createLockWitness({ clock, violate, note }: LockWitnessOptions) {
  const held = new Map<string, Grant>();

  function granted({ tenant, name, token, fence, expires_at, task_id: taskId }: Row): void {
    const key = `${tenant} ${name}`;
    const before = held.get(key);
    if (before?.token === token) return;
    if (before !== undefined && fence <= before.fence) {
      const detail = `${key} was granted with fence ${fence} after ${before.fence}`;
      violate({ rule: "fences grow", detail, taskIds: [] });
    }
    // A node whose clock is ahead lets it end early, by as much as clocks may differ.
    const isOver = before === undefined || before.expiresAt - 2 * mostSkewMs <= clock.now();
    if (!isOver && before.taskId === null) {
      const detail = `${key} was granted with fence ${fence} while ${before.fence} held it`;
      violate({ rule: "a lock has one holder", detail, taskIds: [] });
    }
    note(`lock ${key} granted with fence ${fence}`);
    held.set(key, { tenant, name, token, fence, expiresAt: expires_at, taskId });
  }

  return (statement: string, rows: readonly unknown[]): void => {
    const gives = statement === "take_locks" || statement === "hand_over_locks";
    for (const row of rows as Row[]) {
      const known = held.get(`${row.tenant} ${row.name}`);
      const isReleased = statement === "release_locks" || (gives && row.kind === "released");
      if (isReleased && known?.token === row.token) known.expiresAt = 0;
    }
    for (const row of rows as Row[]) {
      if (gives && row.kind === "granted") granted(row);
      if (statement === "renew_lock") {
        for (const grant of held.values()) if (grant.fence === row.fence) grant.expiresAt = row.expires_at;
      }
    }
  };
}
