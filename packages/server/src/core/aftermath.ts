import type { StopWork } from "@muster/sdk/protocol";
import type { Slot } from "../ports/agent-registry.ts";
import type { BreakerRow } from "./queue/statements/breakers.ts";
import type { HandedTask } from "./queue/statements/complete.ts";
import type { ReadyTask } from "./queue/statements/peek-ready.ts";

/**
 * What a committed transaction means for the rest of the orchestrator. Every change of state returns one, and
 * the coordinator acts on it after the commit. All of it can be found in the database again, so a crash in
 * between loses nothing but a moment.
 */
export interface Aftermath {
  /** Routes on which a task may have become ready. */
  ready?: readonly string[];
  /** Tasks that have just become ready, for dispatch to hand out without looking them up. */
  fresh?: readonly ReadyTask[];
  /** Tasks that were leased to agents in place of those that they finished, for dispatch to send. */
  handed?: readonly HandedTask[];
  /** Tasks that ended. */
  ended?: readonly string[];
  /** How many of them ended how. */
  endings?: Partial<Record<"completed" | "failed" | "cancelled", number>>;
  /** Slots that are free again. */
  freed?: readonly Slot[];
  /** Budgets under which less is in progress: they may have room. */
  budgets?: readonly string[];
  /** Runs of which a step is over. */
  runs?: readonly string[];
  /** Agents that must stop work. */
  stop?: readonly { agentId: string; taskId: string; reason: StopWork["reason"] }[];
  /** Breakers that changed, as they are now. */
  breakers?: readonly BreakerRow[];
  /** Tasks whose attempt is over and that took locks. */
  unlocked?: readonly string[];
  /** Tasks that began to wait for something that may wait for them, or that is less urgent. */
  suspects?: readonly string[];
  /** Something now waits for this moment: upkeep looks then, if not sooner. */
  dueAt?: number;
}

export type Announce = (aftermath: Aftermath) => void;

/** The budgets of tasks, each once; those of tasks without one are none. */
export function budgetsOf(tasks: readonly { budget_id: string | null }[]): string[] {
  const found = new Set<string>();
  for (const { budget_id } of tasks) if (budget_id !== null) found.add(budget_id);
  return [...found];
}
