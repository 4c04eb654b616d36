import type { Statement } from "../../../ports/database.ts";

export interface KeyRow {
  id: string;
  name: string;
  role: string;
  tenant: string;
  /** The person whose key it is. */
  person_id: string | null;
  created_at: number;
  revoked_at: number | null;
}

const columns = "id, name, role, tenant, person_id, created_at, revoked_at";

/** $1 id, $2 name, $3 role, $4 tenant, $5 hash, $6 now, $7 person. */
export const addKey: Statement<KeyRow> = {
  name: "add_key",
  text: `
insert into api_key (id, name, role, tenant, hash, created_at, person_id) values ($1, $2, $3, $4, $5, $6, $7) returning ${columns}`,
};

/** Held until the transaction ends by whoever makes the first key. */
export const lockFirstKey: Statement = {
  name: "lock_first_key",
  text: "select pg_advisory_xact_lock(hashtextextended('muster first key', 0))::text",
};

/** $1 hash. */
export const findKey: Statement<KeyRow> = {
  name: "find_key",
  text: `select ${columns} from api_key where hash = $1 and revoked_at is null`,
};

/** $1 tenant (*: all). */
export const listKeys: Statement<KeyRow> = {
  name: "list_keys",
  text: `select ${columns} from api_key where $1 = '*' or tenant = $1 order by id`,
};

/** $1 id, $2 tenant (*: all), $3 now. */
export const revokeKey: Statement<KeyRow> = {
  name: "revoke_key",
  text: `
update api_key set revoked_at = coalesce(revoked_at, $3::bigint)
where id = $1 and ($2 = '*' or tenant = $2) returning ${columns}`,
};
