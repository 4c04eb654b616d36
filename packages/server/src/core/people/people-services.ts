import type {
  Autonomy,
  AutonomyFilter,
  AutonomyHistory,
  InboxAnswer,
  InboxClaim,
  InboxDecline,
  InboxDelegation,
  InboxFilter,
  InboxItem,
  InboxOutcome,
  InboxRelease,
  Person,
  PersonRegistration,
} from "@muster/sdk/protocol";
import type { Page, Principal } from "../orchestrator.ts";

/** People as agents: who they are, what they can do, when they are at work. */
export interface PersonService {
  /** Adds a person, or changes what is said of one of that name. */
  put(registration: PersonRegistration, principal: Principal): Promise<Person>;
  list(principal: Principal): Promise<Person[]>;
  /** By name or id. */
  get(person: string, principal: Principal): Promise<Person>;
  /** Their keys are good for nothing from now on; what they had claimed is free when the claim ends. */
  remove(person: string, principal: Principal): Promise<Person>;
}

/**
 * What waits for people. Who acts is the person of the key, or whom an admin names in `as`; an admin may act without a
 * person too. An item that is over, or claimed by somebody else: `conflict`. One that is for others: `forbidden`.
 */
export interface InboxService {
  /** What is open, oldest first: of the person of the key or in `as`, or everything. */
  list(
    filter: InboxFilter & { limit?: number; after?: string },
    principal: Principal,
  ): Promise<Page<InboxItem>>;
  get(taskId: string, principal: Principal): Promise<InboxItem>;
  /** Nobody else may answer for a while. Again by the same person: for longer. */
  claim(taskId: string, request: InboxClaim, principal: Principal): Promise<InboxOutcome>;
  release(taskId: string, request: InboxRelease, principal: Principal): Promise<InboxOutcome>;
  /** Taken once. One that does not fit the schema is `invalid_input` and changes nothing. */
  answer(taskId: string, request: InboxAnswer, principal: Principal): Promise<InboxOutcome>;
  /** It goes to somebody else; where nobody is left, it fails. */
  decline(taskId: string, request: InboxDecline, principal: Principal): Promise<InboxOutcome>;
  delegate(taskId: string, request: InboxDelegation, principal: Principal): Promise<InboxOutcome>;
  /** How much was finished without people in the last `sinceMs`, as far as tasks are kept. */
  share(sinceMs: number, principal: Principal): Promise<Autonomy>;
  /** The same day by day, or capability by capability, for longer than tasks are kept. */
  history(filter: AutonomyFilter, principal: Principal): Promise<AutonomyHistory>;
}
