import type { AgentRegistry, Slot } from "../../ports/agent-registry.ts";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import { listHeld } from "../queue/statements/find-overdue.ts";

/** Leases looked at in one go. */
const mostHeld = 100_000;

const nameOf = (slot: Slot): string => `${slot.agentId} ${slot.taskId}`;

export interface ReconcileDependencies {
  database: Database;
  registry: AgentRegistry;
  announce: Announce;
}

/**
 * Brings the registry's slots in line with the leases in the database, which are the truth: a crash between
 * reserving and claiming leaves a slot that nobody works in, and a registry that was emptied knows of none.
 * A slot without a lease is given back only when it is seen twice in a row, since a claim may be under way.
 */
export function createReconcile({ database, registry, announce }: ReconcileDependencies) {
  let suspects = new Set<string>();

  return async function reconcile(): Promise<void> {
    const reserved = await registry.reserved();
    const held = (await database.query(listHeld, [mostHeld])).map((row) => ({
      agentId: row.agent_id,
      taskId: row.id,
    }));
    const heldNames = new Set(held.map(nameOf));
    const reservedNames = new Set(reserved.map(nameOf));
    const idle = reserved.filter((slot) => !heldNames.has(nameOf(slot)));
    const freed = idle.filter((slot) => suspects.has(nameOf(slot)));
    suspects = new Set(idle.map(nameOf));
    if (freed.length > 0) announce({ freed });
    const missing = held.filter((slot) => !reservedNames.has(nameOf(slot)));
    if (missing.length > 0) await registry.restore(missing);
  };
}

export type Reconcile = ReturnType<typeof createReconcile>;
