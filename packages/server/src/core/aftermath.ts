import type { StopWork } from "@muster/sdk/protocol";
import type { Slot } from "../ports/agent-registry.ts";
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
  /** Tasks that ended. */
  ended?: readonly string[];
  /** Slots that are free again. */
  freed?: readonly Slot[];
  /** Runs of which a step is over. */
  runs?: readonly string[];
  /** Agents that must stop work. */
  stop?: readonly { agentId: string; taskId: string; reason: StopWork["reason"] }[];
  /** Something now waits for this moment: upkeep looks then, if not sooner. */
  dueAt?: number;
}

export type Announce = (aftermath: Aftermath) => void;
