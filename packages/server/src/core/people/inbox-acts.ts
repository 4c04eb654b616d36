import { MusterError } from "@muster/sdk/protocol";
import type { Database } from "../../ports/database.ts";
import type { Principal } from "../orchestrator.ts";
import type { ItemRow } from "../queue/statements/inbox.ts";
import { findPerson, type PersonRow } from "../queue/statements/people.ts";
import { isoTime } from "../task-view.ts";
import { claimantOf, isOpen } from "./inbox-moves.ts";
import { mayAnswer } from "./may-answer.ts";

/** Who acts on items. */
export interface Actor {
  /** What is remembered of it: a person's name, or `admin:` and the name of a key, which is nobody's name. */
  by: string;
  /** Null: an admin, who may act on everything. */
  person: PersonRow | null;
}

/** The person of the key, or in whose name an admin acts. Agents and programs are nobody: they can't answer themselves. */
export async function actorOf(
  database: Database,
  principal: Principal,
  as: string | undefined,
): Promise<Actor> {
  if (principal.personId !== undefined) {
    const [person] = await database.query(findPerson, [principal.tenant, principal.personId, null]);
    if (person === undefined) throw new MusterError("forbidden", "The person of this key was removed.");
    if (as === undefined || as === person.name) return { by: person.name, person };
    throw new MusterError("forbidden", `This key is ${person.name}'s, who can't act as ${as}.`);
  }
  if (principal.role !== "admin") {
    throw new MusterError("forbidden", "This key is no person's, so it can't act in the inbox.", {
      hint: "An admin makes one that is: muster keys create NAME --person PERSON",
    });
  }
  if (as === undefined) return { by: `admin:${principal.name}`, person: null };
  const [person] = await database.query(findPerson, [principal.tenant, null, as]);
  if (person !== undefined) return { by: person.name, person };
  throw new MusterError("not_found", `There is no person ${as}.`, {
    hint: "See them with: muster people list",
  });
}

export const noItem = (taskId: string): MusterError =>
  new MusterError("not_found", `Nothing with the id ${taskId} is or was in the inbox.`, {
    hint: "See what is open with: muster inbox list",
  });

/** Refuses what this actor can't do to this item now. */
export function refuseToAct(item: ItemRow, { by, person }: Actor, now: number, mayOverride: boolean): void {
  if (!isOpen(item)) throw closed(item);
  if (person !== null && !mayAnswer(item, person)) {
    const why = item.declined.includes(by) ? "declined it" : "is not whom it is for";
    throw new MusterError("forbidden", `${by} ${why}: task ${item.task_id}.`);
  }
  const holder = claimantOf(item, now);
  if (holder === null || holder === by || (mayOverride && person === null)) return;
  throw new MusterError("conflict", `${holder} has claimed task ${item.task_id} until ${until(item)}.`, {
    hint: "Ask them, or wait until the claim ends.",
    details: { claimedBy: holder },
  });
}

const until = (item: ItemRow): string => isoTime(item.claimed_until ?? 0);

function closed(item: ItemRow): MusterError {
  const by = item.answered_by === null ? "" : `: ${item.answered_by} answered it`;
  return new MusterError("conflict", `Task ${item.task_id} waits for nobody, it is ${item.status}${by}.`, {
    hint: `muster why ${item.task_id}`,
    details: { status: item.status, answeredBy: item.answered_by },
  });
}

/** People who could still answer, so that a decline leaves it open. */
export const isLeft = (item: ItemRow, people: readonly PersonRow[], without: string): boolean =>
  people.some((person) => person.name !== without && mayAnswer(item, person));

/** The schema that an answer has to fit: of a task, what people with its capability promise. */
export function answerSchema(item: ItemRow, people: readonly PersonRow[]): ItemRow["schema"] {
  if (item.kind !== "task") return item.schema;
  for (const { tenant, capabilities } of people) {
    const offer = tenant === item.tenant && capabilities.find(({ name }) => name === item.capability);
    if (offer && offer.outputSchema !== undefined) return offer.outputSchema;
  }
  return null;
}
