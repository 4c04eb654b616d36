import { parseRoute } from "../queue/route.ts";
import type { ItemRow } from "../queue/statements/inbox.ts";
import type { PersonRow } from "../queue/statements/people.ts";

type Skilled = Pick<PersonRow, "tenant" | "name" | "skills">;

/**
 * Whether an item is for a person: named, or with the capability that it is for; for nobody in particular it is
 * everybody's. One that it escalated to may answer as well. Who declined it may not.
 */
export function mayAnswer(item: ItemRow, person: Skilled): boolean {
  if (person.tenant !== item.tenant || item.declined.includes(person.name)) return false;
  if (item.escalated && isFor(item.escalate_person, item.escalate_capability, person)) return true;
  if (item.to_person !== null || item.to_capability !== null)
    return isFor(item.to_person, item.to_capability, person);
  return item.kind !== "task" || couldDo(item, person);
}

const isFor = (name: string | null, capability: string | null, person: Skilled): boolean =>
  name === person.name || (capability !== null && person.skills.includes(capability));

const couldDo = (item: ItemRow, person: Skilled): boolean =>
  isRouteOf(person, item.plain_route ?? item.route, item.tenant);

/** Whether tasks of a route are something that a person could do. One that asks for certain tools is none for people. */
export function isRouteOf({ tenant: home, name, skills }: Skilled, route: string, tenant: string): boolean {
  const { capability, agent, tools } = parseRoute(route);
  if (home !== tenant || tools.length > 0) return false;
  if (agent !== null && agent !== name) return false;
  return capability === null ? agent === name : skills.includes(capability);
}
