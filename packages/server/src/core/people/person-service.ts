import { limits, MusterError, Name, type Person, PersonRegistration } from "@muster/sdk/protocol";
import Type from "typebox";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import { createCapabilitySchemas } from "../discovery/capability-schemas.ts";
import type { Principal } from "../orchestrator.ts";
import {
  findPerson,
  listPeople,
  type PersonRow,
  putPerson,
  removePerson,
} from "../queue/statements/people.ts";
import { isoTime } from "../task-view.ts";
import { isUuid, parse, payload, payloadText } from "../validate.ts";
import type { PersonService } from "./people-services.ts";
import { isAtWork, isTimezone } from "./working-hours.ts";

export interface PersonDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
}

const Tenant = Type.Union([Name]);

/** People are rows and nothing else: they have no process, no lease and no heartbeat. */
export function createPersonService({ database, clock, ids }: PersonDependencies): PersonService {
  const schemas = createCapabilitySchemas();

  async function find(person: string, principal: Principal): Promise<PersonRow> {
    const id = isUuid(person) ? person : null;
    const [row] = await database.query(findPerson, [principal.tenant, id, person]);
    if (row !== undefined) return row;
    throw new MusterError("not_found", `There is no person ${person}.`, {
      hint: "See them with: muster people list",
    });
  }

  const view = (row: PersonRow): Person => viewOf(row, clock.now());

  return {
    async put(registration, principal) {
      requireAdmin(principal);
      const said = parse(PersonRegistration, registration, "The person");
      const tenant = tenantFor(principal, said.tenant);
      const capabilities = payload(said.capabilities ?? [], "The capabilities");
      schemas.admit(capabilities);
      if (said.hours !== undefined) refuseBadHours(said.hours);
      const [row] = await database.query(putPerson, [
        ids.next(),
        tenant,
        said.name,
        payload(said.description ?? "", "The description"),
        payloadText(capabilities, "The capabilities"),
        capabilities.map(({ name }) => name),
        said.hours === undefined ? null : JSON.stringify(said.hours),
        clock.now(),
        limits.peoplePerTenant,
      ]);
      if (row !== undefined) return view(row);
      throw new MusterError("limit_exceeded", `A tenant has ${limits.peoplePerTenant} people at most.`);
    },
    list: async (principal) =>
      (await database.query(listPeople, [principal.tenant, limits.peoplePerTenant])).map(view),
    get: async (person, principal) => view(await find(person, principal)),
    async remove(person, principal) {
      requireAdmin(principal);
      const { id } = await find(person, principal);
      const [gone] = await database.query(removePerson, [id]);
      if (gone === undefined) throw new MusterError("not_found", `There is no person ${person}.`);
      return view(gone);
    },
  };
}

const viewOf = (row: PersonRow, now: number): Person => ({
  id: row.id,
  name: row.name,
  tenant: row.tenant,
  description: row.description,
  capabilities: row.capabilities,
  hours: row.hours,
  atWork: isAtWork(row.hours, now),
  registeredAt: isoTime(row.registered_at),
});

function requireAdmin({ role }: Principal): void {
  if (role !== "admin") throw new MusterError("forbidden", "Only an admin may add or remove people.");
}

function tenantFor(principal: Principal, wanted: string | undefined): string {
  if (wanted !== undefined) parse(Tenant, wanted, "The tenant");
  if (principal.tenant === "*") return wanted ?? "default";
  if (wanted === undefined || wanted === principal.tenant) return principal.tenant;
  throw new MusterError("forbidden", `An admin of ${principal.tenant} can't add people to another tenant.`);
}

function refuseBadHours({ timezone, from, to }: NonNullable<PersonRegistration["hours"]>): void {
  if (!isTimezone(timezone)) {
    throw new MusterError("invalid_request", `"${timezone}" is no time zone.`, {
      hint: "Use an IANA name such as Europe/Berlin.",
    });
  }
  if (from === to) {
    throw new MusterError("invalid_request", `Working hours from ${from} to ${to} are none.`, {
      hint: "Leave them out for somebody who is always at work.",
    });
  }
}
