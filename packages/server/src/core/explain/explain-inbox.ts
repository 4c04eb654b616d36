import { limits } from "@muster/sdk/protocol";
import type { Database } from "../../ports/database.ts";
import { addresseeOf, claimantOf, escalatedTo } from "../people/inbox-moves.ts";
import { mayAnswer } from "../people/may-answer.ts";
import { isForPeople } from "../queue/route.ts";
import { type ItemRow, readItems } from "../queue/statements/inbox.ts";
import { listPeople } from "../queue/statements/people.ts";
import type { TaskRow } from "../queue/statements/read-tasks.ts";
import type { Words } from "./explain.ts";

/** People named; more are counted. */
const mostNamed = 10;

/** Why a ready task waits for a person; null where it does not. */
export async function explainInbox(
  database: Database,
  task: TaskRow,
  now: number,
  relative: (at: number | null) => string,
): Promise<Words | null> {
  const people = await database.query(listPeople, [task.tenant, limits.peoplePerTenant]);
  if (!isForPeople(task.route) && people.length === 0) return null;
  const [item] = await database.query(readItems, [[task.id]]);
  if (item === undefined) return null;
  const able = people.filter((person) => mayAnswer(item, person)).map((person) => person.name);
  if (!isForPeople(task.route) && able.length === 0) return null;
  const claimant = claimantOf(item, now);
  return {
    summary:
      claimant === null
        ? "It waits in the inbox for a person."
        : `${claimant} has claimed it until ${relative(item.claimed_until)}.`,
    reasons: [whoMay(able), ...sayTimes(item, relative)],
    nextSteps: [`muster inbox show ${task.id}`, `muster inbox answer ${task.id}`],
  };
}

function whoMay(able: readonly string[]): string {
  if (able.length === 0) return "No person is registered who may answer it; an admin may.";
  const more = able.length > mostNamed ? ` and ${able.length - mostNamed} more` : "";
  return `It may be answered by ${able.slice(0, mostNamed).join(", ")}${more}.`;
}

function sayTimes(item: ItemRow, relative: (at: number | null) => string): string[] {
  const to = addresseeOf(item);
  const wider = escalatedTo(item);
  const nameOf = (whom: { person?: string; capability?: string }) =>
    whom.person ?? `capability ${whom.capability}`;
  return [
    ...(to === null
      ? []
      : [`It is for ${nameOf(to)}${wider === null ? "" : `, and since it escalated for ${nameOf(wider)}`}.`]),
    ...(item.declined.length === 0 ? [] : [`${item.declined.join(", ")} declined it.`]),
    ...(item.escalate_at === null ? [] : [`It escalates ${relative(item.escalate_at)}.`]),
    ...(item.expires_at === null ? [] : [`It expires ${relative(item.expires_at)}.`]),
  ];
}
