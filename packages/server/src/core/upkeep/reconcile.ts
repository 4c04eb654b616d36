import type { AgentRegistry, Slot } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import { claimWithinMs } from "../dispatch/lease-tasks.ts";
import { listHeld } from "../queue/statements/find-overdue.ts";

/** Leases looked at in one go. */
const mostHeld = 100_000;
/** So long after it was first seen without a lease, a slot's claim is not under way any more, or nothing comes of it. */
const claimedByMs = 2 * claimWithinMs;

const nameOf = (slot: Slot): string => `${slot.agentId} ${slot.taskId}`;

export interface ReconcileDependencies {
  database: Database;
  registry: AgentRegistry;
  clock: Clock;
  announce: Announce;
}

/**
 * Brings the registry's slots in line with the leases in the database, which are the truth: a crash between
 * reserving and claiming leaves a slot that nobody works in, and a registry that was emptied knows of none.
 * A slot without a lease is given back only when it is seen again five seconds later, since a claim may be under way. The
 * moment is when the look has ended: a node that stood still in the middle of one does not take it for two.
 */
export function createReconcile({ database, registry, clock, announce }: ReconcileDependencies) {
  /** Slots without a lease, and since when they are known to be. */
  let suspects = new Map<string, number>();

  return async function reconcile(): Promise<void> {
    const reserved = await registry.reserved();
    const held = (await database.query(listHeld, [mostHeld])).map((row) => ({
      agentId: row.agent_id,
      taskId: row.id,
    }));
    const heldNames = new Set(held.map(nameOf));
    const reservedNames = new Set(reserved.map(nameOf));
    const idle = reserved.filter((slot) => !heldNames.has(nameOf(slot)));
    const now = clock.now();
    suspects = new Map(idle.map((slot) => [nameOf(slot), suspects.get(nameOf(slot)) ?? now]));
    const freed = idle.filter((slot) => now - suspects.get(nameOf(slot))! >= claimedByMs);
    if (freed.length > 0) announce({ freed });
    const missing = held.filter((slot) => !reservedNames.has(nameOf(slot)));
    if (missing.length > 0) await registry.restore(missing);
  };
}

export type Reconcile = ReturnType<typeof createReconcile>;
