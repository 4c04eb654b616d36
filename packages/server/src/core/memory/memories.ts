import type {
  Forgotten,
  Memory,
  MemoryFilter,
  MemoryPlace,
  MemoryRequest,
  Recall,
  RecallRequest,
  Remembered,
} from "@muster/sdk/protocol";
import type { Page, Principal, TaskLease } from "../orchestrator.ts";

/** What agents and people found worth remembering. Each tenant has its own and sees no other's. */
export interface MemoryService {
  /**
   * The memories of whoever asks; those of the tenant `default` for an admin of `*`, as with tasks. What belongs to
   * agents is for admins: others get `forbidden` where they name one.
   */
  of(principal: Principal): Memories;
  /**
   * Those of the task's tenant, for as long as the lease is live (`lease_lost` from then on). Scope `agent` is that of the
   * agent's own name, and no other.
   */
  under(lease: TaskLease, agentName: string): Omit<Memories, "get" | "forgetAll">;
}

export interface Memories {
  remember(request: MemoryRequest): Promise<Remembered>;
  recall(request: RecallRequest): Promise<Recall>;
  get(id: string): Promise<Memory>;
  forget(id: string): Promise<Forgotten>;
  /** Some of a place at once, at most `limits.memoriesForgotten`; 0: none is left. */
  forgetAll(place: MemoryPlace): Promise<Forgotten>;
  /** Newest first. */
  list(filter: MemoryFilter): Promise<Page<Memory>>;
}
