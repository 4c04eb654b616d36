import type {
  Lock,
  LockAnswer,
  LockDetail,
  LockFilter,
  LockGrant,
  LockRenewal,
  LockRequest,
} from "@muster/sdk/protocol";
import type { Page, Principal, TaskLease } from "../orchestrator.ts";

/** What whoever takes locks can do. */
export interface LockHands {
  /**
   * Takes a lock, or stands in line for it. A wait that is longer than one request may take is answered with the
   * place in line: ask again with the same token.
   */
  acquire(request: LockRequest, signal?: AbortSignal): Promise<LockAnswer>;
  /** Prolongs it; `lock_lost` where it is not held any more. */
  renew(request: LockRenewal): Promise<LockGrant>;
  /** Lets go of it, or of the place in line. */
  release(grant: Pick<LockRenewal, "name" | "token">): Promise<{ released: boolean }>;
}

/** Locks by name; each tenant has names of its own. */
export interface LockService {
  of(principal: Principal): LockHands;
  /** Held by an attempt at a task, for as long as that is live. `holder`: for people. */
  under(lease: TaskLease, holder: string): LockHands;
  /** Those that are held or waited for, in the order of names. */
  list(filter: LockFilter, principal: Principal): Promise<Page<Lock>>;
  get(name: string, principal: Principal): Promise<LockDetail>;
  /** Takes it from whoever holds it. */
  forceRelease(name: string, principal: Principal): Promise<{ released: boolean }>;
}
