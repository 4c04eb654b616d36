import type { Statement } from "../../../ports/database.ts";

/** Contents come as text where the answer is JSON text anyway; here they are parsed. */
export interface StateHead {
  ord: number;
  floor: number;
  known: boolean;
  version: number | null;
  deleted: boolean | null;
  bytes: number | null;
  written_at: number | null;
  written_by: string | null;
  fences: Record<string, number> | null;
  content: unknown;
  /** Documents of the project and projects of the tenant; only where the write would make another one. */
  documents: number | null;
  projects: number | null;
}

/** What documents are now. $1 keys: [{ord, tenant, project, path, wanted: with the content}]. */
export const readStateHeads: Statement<StateHead> = {
  name: "read_state_heads",
  text: `
select i.ord, coalesce(p.floor, 0) as floor, p.project is not null as known,
  d.version, d.deleted, d.bytes, d.written_at, d.written_by, d.fences,
  case when i.wanted then d.content end as content,
  case when d.version is null then
    (select count(*)::int from state_document c where c.tenant = i.tenant and c.project = i.project) end as documents,
  case when p.project is null then
    (select count(*)::int from state_project q where q.tenant = i.tenant) end as projects
from json_to_recordset($1::json) as i(ord int, tenant text, project text, path text, wanted boolean)
left join state_project p on p.tenant = i.tenant and p.project = i.project
left join state_document d on d.tenant = i.tenant and d.project = i.project and d.path = i.path
order by i.ord`,
};

export interface StateVersionRow {
  version: number;
  deleted: boolean;
  content: unknown;
  bytes: number;
  written_at: number;
  written_by: string;
}

/** Single versions, the newest ones too. $1 [{ord, tenant, project, path, version}]. */
export const readStateVersions: Statement<StateVersionRow & { ord: number }> = {
  name: "read_state_versions",
  text: `
with wanted as (
  select * from json_to_recordset($1::json) as i(ord int, tenant text, project text, path text, version bigint)
)
select w.ord, d.version, d.deleted, d.content, d.bytes, d.written_at, d.written_by
from wanted w join state_document d using (tenant, project, path, version)
union all
select w.ord, v.version, v.deleted, v.content, v.bytes, v.written_at, v.written_by
from wanted w join state_version v using (tenant, project, path, version)`,
};

/**
 * Writes documents, each only if its newest version is still the one that the writes were made for, and only if every
 * lease under which they are made is live. What was the newest version goes to the history together with those that were
 * written and overwritten at once; from time to time the oldest ones are dropped.
 * $1 versions in order: [{ord, tenant, project, path, expected (0: none), version, newest, deleted, content, bytes,
 * written_by, agent_id, fences, task_id, token}], $2 now, $3 how many versions are kept. Answers the documents that were written.
 */
export const writeState: Statement<{ tenant: string; project: string; path: string }> = {
  name: "write_state",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(
    ord int, tenant text, project text, path text, expected bigint, version bigint, newest boolean, deleted boolean,
    content json, bytes int, written_by text, agent_id text, fences json, task_id uuid, token uuid)
), live as materialized (
  select t.id, t.lease_token from task t
  where t.id in (select task_id from incoming where task_id is not null) and t.status in ('in_progress', 'waiting', 'ready')
  order by t.id for share of t
), heads as materialized (
  select i.* from incoming i
  where i.newest and not exists (
    select 1 from incoming o
    where o.tenant = i.tenant and o.project = i.project and o.path = i.path and o.task_id is not null
      and not exists (select 1 from live l where l.id = o.task_id and l.lease_token = o.token))
), locked as materialized (
  select d.* from state_document d join heads h
    on h.tenant = d.tenant and h.project = d.project and h.path = d.path and h.expected = d.version
  order by d.tenant, d.project, d.path for update of d
), updated as (
  update state_document d
  set version = h.version, deleted = h.deleted, content = h.content, bytes = h.bytes,
    written_at = $2::bigint, written_by = h.written_by, fences = h.fences
  from heads h join locked l on l.tenant = h.tenant and l.project = h.project and l.path = h.path
  where d.tenant = h.tenant and d.project = h.project and d.path = h.path
  returning d.tenant, d.project, d.path
), created as (
  insert into state_document (tenant, project, path, version, deleted, content, bytes, written_at, written_by, fences)
  select tenant, project, path, version, deleted, content, bytes, $2::bigint, written_by, fences
  from heads where expected = 0 order by tenant, project, path
  on conflict do nothing
  returning tenant, project, path
), projects as (
  insert into state_project (tenant, project, created_at)
  select distinct tenant, project, $2::bigint from created
  on conflict do nothing
), took as materialized (
  select * from updated union all select * from created
), kept as (
  insert into state_version (tenant, project, path, version, deleted, content, bytes, written_at, written_by)
  select l.tenant, l.project, l.path, l.version, l.deleted, l.content, l.bytes, l.written_at, l.written_by
  from locked l join took using (tenant, project, path)
  union all
  select i.tenant, i.project, i.path, i.version, i.deleted, i.content, i.bytes, $2::bigint, i.written_by
  from incoming i join took using (tenant, project, path) where not i.newest
), dropped as (
  delete from state_version v using heads h join took using (tenant, project, path)
  where v.tenant = h.tenant and v.project = h.project and v.path = h.path
    and h.version / 16 > h.expected / 16 and v.version < h.version - $3::bigint
), told as (
  insert into event (at, type, agent_id, tenant, data)
  select $2::bigint, case when i.deleted then 'state.deleted' else 'state.written' end, i.agent_id, i.tenant,
    json_strip_nulls(json_build_object('project', i.project, 'path', i.path, 'version', i.version, 'by', i.written_by,
      'task', i.task_id))
  from incoming i join took using (tenant, project, path) order by i.ord
)
select tenant, project, path from took`,
};

/** Which of these leases are live. $1 tasks. */
export const readLeases: Statement<{ id: string; lease_token: string }> = {
  name: "read_state_leases",
  text: `
select id, lease_token from task where id = any ($1::uuid[]) and status in ('in_progress', 'waiting', 'ready')`,
};

/** One page in the order of paths. $1 tenant, $2 project, $3 prefix, $4 after, $5 how many. */
export const listState: Statement<Omit<StateVersionRow, "content" | "deleted"> & { path: string }> = {
  name: "list_state",
  text: `
select path, version, bytes, written_at, written_by from state_document
where tenant = $1 and project = $2 and path collate "C" > $4 and starts_with(path, $3) and not deleted
order by path collate "C" limit $5`,
};

/** Newest first, with the newest one. $1 tenant, $2 project, $3 path, $4 before (null: all), $5 how many. */
export const listStateVersions: Statement<Omit<StateVersionRow, "content">> = {
  name: "list_state_versions",
  text: `
select version, deleted, bytes, written_at, written_by from (
  select version, deleted, bytes, written_at, written_by from state_document
  where tenant = $1 and project = $2 and path = $3
  union all
  select version, deleted, bytes, written_at, written_by from state_version
  where tenant = $1 and project = $2 and path = $3
) v where $4::bigint is null or version < $4::bigint order by version desc limit $5`,
};

/** $1 tenant. */
export const listStateProjects: Statement<{ project: string; created_at: number; documents: number }> = {
  name: "list_state_projects",
  text: `
select p.project, p.created_at, (select count(*)::int from state_document d
  where d.tenant = p.tenant and d.project = p.project and not d.deleted) as documents
from state_project p where p.tenant = $1 order by p.project collate "C"`,
};

/** $1 tenant, $2 project. */
export const findStateProject: Statement<{ created_at: number }> = {
  name: "find_state_project",
  text: `select created_at from state_project where tenant = $1 and project = $2`,
};

export interface StateChangeRow {
  seq: number;
  at: number;
  type: string;
  data: { path: string; version: number; by: string };
}

/** $1 tenant, $2 project, $3 after, $4 up to, $5 prefix, $6 how many. */
export const readStateChanges: Statement<StateChangeRow> = {
  name: "read_state_changes",
  text: `
select seq, at, type, data from event
where tenant = $1 and data->>'project' = $2 and seq > $3 and seq <= $4
  and type in ('state.written', 'state.deleted') and starts_with(data->>'path', $5)
order by seq limit $6`,
};

/**
 * Forgets documents that were deleted before a moment, with their history. $1 before, $2 how many.
 */
export const pruneState: Statement<{ path: string }> = {
  name: "prune_state",
  text: `
with gone as (
  delete from state_document where (tenant, project, path) in (
    select tenant, project, path from state_document where deleted and written_at < $1
    order by written_at limit $2 for update skip locked)
    and deleted
  returning tenant, project, path, version
), raised as (
  update state_project p set floor = greatest(p.floor, g.version)
  from (select tenant, project, max(version) as version from gone group by tenant, project) g
  where p.tenant = g.tenant and p.project = g.project
), history as (
  delete from state_version v using gone g
  where v.tenant = g.tenant and v.project = g.project and v.path = g.path
)
select path from gone`,
};
