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
} from "../protocol/index.ts";
import type { Page } from "./client.ts";

/** People as agents. Changes are for admins. */
export interface PeopleClient {
  /** Adds a person, or changes what is said of one of that name. */
  put(person: PersonRegistration): Promise<Person>;
  list(): Promise<Person[]>;
  /** By name or id. */
  get(person: string): Promise<Person>;
  /** Their keys are good for nothing from now on. */
  remove(person: string): Promise<Person>;
}

/**
 * What waits for people. With a person's key one acts as that person; an admin as whom `as` names, or as nobody in
 * particular. An item that is over or claimed by somebody else: `conflict`. One that is for others: `forbidden`.
 */
export interface InboxClient {
  /** What is open, oldest first. `next` goes into `after`. */
  list(filter?: InboxFilter & { limit?: number; after?: string }): Promise<Page<InboxItem>>;
  get(taskId: string): Promise<InboxItem>;
  claim(taskId: string, request?: InboxClaim): Promise<InboxOutcome>;
  release(taskId: string, request?: InboxRelease): Promise<InboxOutcome>;
  /** Taken once; one that does not fit the item's schema is `invalid_input` and changes nothing. */
  answer(taskId: string, request: InboxAnswer): Promise<InboxOutcome>;
  /** It goes to somebody else; where nobody is left, it fails. */
  decline(taskId: string, request?: InboxDecline): Promise<InboxOutcome>;
  delegate(taskId: string, request: InboxDelegation): Promise<InboxOutcome>;
  /** How much was finished without people in the last `sinceMs`, a day by default. */
  share(options?: { sinceMs?: number }): Promise<Autonomy>;
  /** The same by day or by capability, for longer than tasks are kept; some seconds behind. */
  history(filter?: AutonomyFilter): Promise<AutonomyHistory>;
}
