import type { Statement } from "../../../ports/database.ts";

export interface MemoryRow {
  id: string;
  space: string;
  text: string;
  metadata: Record<string, unknown>;
  created_at: number;
  updated_at: number;
  created_by: string;
  used_at: number | null;
  uses: number;
  expires_at: number | null;
  model: string | null;
}

const columns = `m.id, m.space, m.text, m.metadata, m.created_at, m.updated_at, m.created_by, m.used_at, m.uses,
  m.expires_at`;

/**
 * Writes one memory, or brings the one with the same text up to date; what is left out stays. One whose time is over
 * counts as gone. Nothing happens where the lease under which it is made is not live: no row then.
 * $1 id, $2 tenant, $3 space, $4 text, $5 metadata (null: none or as it was), $6 what the hash is made of, $7 now, $8 by,
 * $9 expires (null: never or as it was), $10 model ('': not embedded), $11 embedding, $12 its signs, $13 scale, $14 codes,
 * $15 task (null: no lease), $16 token, $17 agent.
 */
export const rememberMemory: Statement<MemoryRow & { created: boolean }> = {
  name: "remember_memory",
  text: `
with live as materialized (
  select 1 from task where id = $15::uuid and lease_token = $16::uuid and agent_id = $17
    and status in ('in_progress', 'waiting', 'ready') for share
), gone as materialized (
  select from memory where tenant = $2 and space = $3 and hash = sha256(convert_to($6, 'UTF8'))
    and expires_at <= $7::bigint
), m as (
  insert into memory as old (id, tenant, space, text, metadata, hash, created_at, updated_at, created_by, expires_at)
  select $1::uuid, $2, $3, $4, coalesce($5::jsonb, '{}'), sha256(convert_to($6, 'UTF8')), $7::bigint, $7::bigint, $8,
    $9::bigint
  where $15::uuid is null or exists (select from live)
  on conflict (tenant, space, hash) do update set
    text = excluded.text,
    metadata = case when old.expires_at <= $7::bigint then excluded.metadata else coalesce($5::jsonb, old.metadata) end,
    created_at = case when old.expires_at <= $7::bigint then excluded.created_at else old.created_at end,
    created_by = case when old.expires_at <= $7::bigint then excluded.created_by else old.created_by end,
    uses = case when old.expires_at <= $7::bigint then 0 else old.uses end,
    used_at = case when old.expires_at <= $7::bigint then null else old.used_at end,
    updated_at = excluded.updated_at,
    expires_at = case when old.expires_at <= $7::bigint then excluded.expires_at
      else coalesce(excluded.expires_at, old.expires_at) end
  returning *
), e as (
  insert into memory_embedding as old (memory_id, tenant, space, model, dimensions, embedding)
  select m.id, m.tenant, m.space, $10, coalesce(array_length($11::real[], 1), 0), $11::real[] from m
  on conflict (memory_id) do update set
    model = excluded.model, dimensions = excluded.dimensions, embedding = excluded.embedding
    where excluded.model not in ('', old.model)
  returning old.memory_id, old.tenant, old.space, old.model, old.dimensions
), n as (
  insert into memory_near as old (memory_id, tenant, space, model, dimensions, signs, scale, codes)
  select memory_id, tenant, space, model, dimensions, $12::bit varying, $13::real, decode($14, 'hex') from e where model <> ''
  on conflict (memory_id) do update set model = excluded.model, dimensions = excluded.dimensions,
    signs = excluded.signs, scale = excluded.scale, codes = excluded.codes
)
select ${columns}, m.id = $1::uuid or exists (select from gone) as created,
  coalesce((select nullif(model, '') from e),
  (select nullif(o.model, '') from memory_embedding o where o.memory_id = m.id)) as model from m`,
};

/** How many memories a tenant has. $1 tenant, $2 counted up to. */
export const countMemories: Statement<{ memories: number }> = {
  name: "count_memories",
  text: "select count(*)::int as memories from (select from memory where tenant = $1 limit $2) m",
};

/** Memories by their ids that are still there. $1 tenant, $2 spaces (null: all), $3 ids, $4 now. */
export const readMemories: Statement<MemoryRow> = {
  name: "read_memories",
  text: `
select ${columns}, nullif(e.model, '') as model
from memory m left join memory_embedding e on e.memory_id = m.id
where m.id = any ($3::uuid[]) and m.tenant = $1 and ($2::text[] is null or m.space = any ($2::text[]))
  and (m.expires_at is null or m.expires_at > $4::bigint)`,
};

/** One page of some spaces, newest first. $1 tenant, $2 spaces, $3 before (null: all), $4 how many, $5 now. */
export const listMemories: Statement<MemoryRow> = {
  name: "list_memories",
  text: `
select ${columns}, nullif(e.model, '') as model
from memory m left join memory_embedding e on e.memory_id = m.id
where m.tenant = $1 and m.space = any ($2::text[]) and ($3::uuid is null or m.id < $3::uuid)
  and (m.expires_at is null or m.expires_at > $5::bigint)
order by m.id desc limit $4`,
};

/** One page of a whole tenant, newest first. $1 tenant, $2 scopes, $3 before (null: all), $4 how many, $5 now. */
export const listAllMemories: Statement<MemoryRow> = {
  name: "list_all_memories",
  text: `
select ${columns}, nullif(e.model, '') as model
from memory m left join memory_embedding e on e.memory_id = m.id
where m.tenant = $1 and split_part(m.space, ':', 1) = any ($2::text[]) and ($3::uuid is null or m.id < $3::uuid)
  and (m.expires_at is null or m.expires_at > $5::bigint)
order by m.id desc limit $4`,
};

/**
 * Forgets one memory, under a lease only where that is live. $1 tenant, $2 spaces (null: all), $3 id, $4 task (null: no
 * lease), $5 token, $6 agent.
 */
export const forgetMemory: Statement<{ id: string }> = {
  name: "forget_memory",
  text: `
with live as materialized (
  select 1 from task where id = $4::uuid and lease_token = $5::uuid and agent_id = $6
    and status in ('in_progress', 'waiting', 'ready') for share
)
delete from memory where id = $3::uuid and tenant = $1 and ($2::text[] is null or space = any ($2::text[]))
  and ($4::uuid is null or exists (select from live))
returning id`,
};

/** Forgets some of a space. $1 tenant, $2 space, $3 how many. */
export const forgetSpace: Statement<{ id: string }> = {
  name: "forget_space",
  text: `
delete from memory where id in (
  select id from memory where tenant = $1 and space = $2 order by id limit $3 for update skip locked)
returning id`,
};

/** Counts a use, once a minute. $1 ids, $2 now. */
export const useMemories: Statement = {
  name: "use_memories",
  text: `
with used as materialized (
  select id from memory where id = any ($1::uuid[]) and (used_at is null or used_at <= $2::bigint - 60000)
  order by id for update skip locked
)
update memory m set used_at = $2::bigint, uses = uses + 1 from used where m.id = used.id`,
};

/** Forgets memories whose time is over. $1 now, $2 how many. */
export const pruneMemories: Statement<{ id: string }> = {
  name: "prune_memories",
  text: `
delete from memory where id in (
  select id from memory where expires_at <= $1 order by expires_at, id limit $2 for update skip locked)
returning id`,
};
