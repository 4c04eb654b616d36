import type {
  Breaker,
  BreakerClosing,
  BreakerOpening,
  BreakerState,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterReport,
  DeadLetterSelection,
  RetryPolicySetting,
  RetryPolicyUpdate,
} from "@muster/sdk/protocol";
import type { Page, Principal } from "../orchestrator.ts";

export interface BreakerService {
  /** Those of live agents, and those of others that are not closed; open ones first. */
  list(filter: { state?: BreakerState }, principal: Principal): Promise<Breaker[]>;
  /** Also of an agent that is not here now. */
  get(agentId: string, principal: Principal): Promise<Breaker>;
  /** The agent gets no more work, for a time or until its breaker is closed. */
  open(agentId: string, request: BreakerOpening, principal: Principal): Promise<Breaker>;
  /** The agent gets work again, and what it did before is not held against it. */
  close(agentId: string, request: BreakerClosing, principal: Principal): Promise<Breaker>;
}

/** Tasks that failed for good, and what becomes of them. */
export interface DeadLetterService {
  /** Newest first. */
  list(
    filter: DeadLetterFilter & { limit?: number; before?: string },
    principal: Principal,
  ): Promise<Page<DeadLetter>>;
  /** Gives them their attempts back, with the parents and runs that failed because of them. */
  retry(selection: DeadLetterSelection, principal: Principal): Promise<DeadLetterReport>;
  /** Takes them off the list. The tasks stay failed. */
  drop(selection: DeadLetterSelection, principal: Principal): Promise<DeadLetterReport>;
}

/** What operators say of retries, by capability. */
export interface RetryPolicyService {
  list(principal: Principal): Promise<RetryPolicySetting[]>;
  get(capability: string, principal: Principal, tenant?: string): Promise<RetryPolicySetting>;
  /** Replaces what was set before. For admins; an admin of all tenants sets it for one of them or for all (`*`). */
  set(capability: string, update: RetryPolicyUpdate, principal: Principal): Promise<RetryPolicySetting>;
  remove(capability: string, principal: Principal, tenant?: string): Promise<RetryPolicySetting>;
}
