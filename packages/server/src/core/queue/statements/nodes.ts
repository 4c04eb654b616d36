import type { Statement } from "../../../ports/database.ts";

export interface NodeRow {
  id: string;
  name: string;
  url: string | null;
  version: string;
  started_at: number;
  last_seen: number;
}

/** $1 id, $2 name, $3 url, $4 version, $5 started at, $6 now. */
export const noteNode: Statement = {
  name: "note_node",
  text: `
insert into node (id, name, url, version, started_at, last_seen) values ($1, $2, $3, $4, $5, $6)
on conflict (id) do update set last_seen = excluded.last_seen`,
};

/** $1 the time since when a node must have been seen, $2 most rows. Those of long ago go with it. */
export const listNodes: Statement<NodeRow> = {
  name: "list_nodes",
  text: `
with gone as (delete from node where last_seen < $1)
select id, name, url, version, started_at, last_seen from node where last_seen >= $1
order by name, started_at, id limit $2`,
};

/** $1 id. */
export const forgetNode: Statement = { name: "forget_node", text: "delete from node where id = $1" };
