import type { Capability, WorkingHours } from "@muster/sdk/protocol";
import type { Statement } from "../../../ports/database.ts";

export interface PersonRow {
  id: string;
  tenant: string;
  name: string;
  description: string;
  capabilities: Capability[];
  skills: string[];
  hours: WorkingHours | null;
  registered_at: number;
}

const columns = "id, tenant, name, description, capabilities, skills, hours, registered_at";

/**
 * Adds a person, or changes what is said of one. None where the tenant has as many as it may. $1 id, $2 tenant, $3 name,
 * $4 description, $5 capabilities, $6 skills, $7 hours, $8 now, $9 how many a tenant may have.
 */
export const putPerson: Statement<PersonRow> = {
  name: "put_person",
  text: `
insert into person (id, tenant, name, description, capabilities, skills, hours, registered_at)
select $1::uuid, $2, $3, $4, $5::json, $6::text[], $7::json, $8::bigint
where exists (select from person where tenant = $2 and name = $3)
  or (select count(*) from person where tenant = $2) < $9::int
on conflict (tenant, name) do update set description = excluded.description, capabilities = excluded.capabilities,
  skills = excluded.skills, hours = excluded.hours
returning ${columns}`,
};

/** $1 tenant (*: all), $2 how many. */
export const listPeople: Statement<PersonRow> = {
  name: "list_people",
  text: `select ${columns} from person where $1 = '*' or tenant = $1 order by tenant, name limit $2`,
};

/** By id, or by name: of one's own tenant, or for all tenants of the default one first. $1 tenant (*: all), $2 id, $3 name. */
export const findPerson: Statement<PersonRow> = {
  name: "find_person",
  text: `
select ${columns} from person where ($1 = '*' or tenant = $1) and (id = $2::uuid or name = $3)
order by tenant <> 'default', tenant limit 1`,
};

/** $1 id. */
export const removePerson: Statement<PersonRow> = {
  name: "remove_person",
  text: `delete from person where id = $1 returning ${columns}`,
};
