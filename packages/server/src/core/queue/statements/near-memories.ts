import type { Statement } from "../../../ports/database.ts";

/** How meanings are searched: through the index, by looking at all of the spaces, or at their newest. */
export type NearWay = "index" | "all" | "newest";

/** How many vectors the spaces have. $1 tenant, $2 spaces, $3 model, $4 counted up to. */
export const countNear: Statement<{ memories: number }> = {
  name: "count_near_memories",
  text: `
select count(*)::int as memories
from (select from memory_near where tenant = $1 and space = any ($2::text[]) and model = $3 limit $4) n`,
};

export interface NearRow {
  id: string;
  scale: number;
  codes: Uint8Array;
}

/** What the index looks at while it searches: more of it finds more, and takes longer. */
const lookedAt = 200;
/** Memories of other spaces that the index passes by before it gives up. */
const mostPassed = 40_000;

/**
 * The transaction in which meanings are searched. The index is to be used whatever the planner thinks that it costs, and
 * goes on until enough of the right spaces was found. What the planner thinks is also why nothing may be compiled for it: a
 * compiler would work on a search of milliseconds for half a second.
 */
export const beginNear = (way: NearWay, isIterative: boolean): Statement => {
  const settings = [`('jit', 'off')`];
  if (way === "index") settings.push(`('enable_sort', 'off'), ('hnsw.ef_search', '${lookedAt}')`);
  if (way === "index" && isIterative)
    settings.push(`('hnsw.iterative_scan', 'relaxed_order'), ('hnsw.max_scan_tuples', '${mostPassed}')`);
  return {
    name: way === "index" ? `begin_near_${isIterative ? "iterative" : "index"}` : "begin_near",
    text: `select set_config(name, value, true) from (values ${settings.join(", ")}) s(name, value)`,
  };
};

const madeStatements = new Map<string, Statement<NearRow>>();

/**
 * The memories whose signs are most like those of a question, to be compared by their numbers. $1 tenant, $2 spaces,
 * $3 model, $4 the signs, $5 metadata (null: any), $6 how many, $7 how many are looked at, the newest.
 */
export function searchNear(way: NearWay, dimensions: number, isFiltered: boolean): Statement<NearRow> {
  const name = `search_near_${way}_${dimensions}${isFiltered ? "_filtered" : ""}`;
  let statement = madeStatements.get(name);
  if (statement === undefined) {
    statement = { name, text: textOf(way, dimensions, isFiltered) };
    madeStatements.set(name, statement);
  }
  return statement;
}

function textOf(way: NearWay, dimensions: number, isFiltered: boolean): string {
  // Every form takes seven parameters; those that have no use for one say only what it is.
  const wanted = isFiltered
    ? "exists (select from memory m where m.id = n.memory_id and m.metadata @> $5::jsonb)"
    : "$5::jsonb is null";
  const where = `n.tenant = $1 and n.space = any ($2::text[]) and n.model = $3 and n.dimensions = ${dimensions} and ${wanted}`;
  const columns = "n.memory_id as id, n.scale, n.codes";
  if (way === "index") {
    const bits = `bit(${dimensions})`;
    return `
select ${columns} from memory_near n where ${where} and $7::int > 0
order by n.signs::${bits} <~> $4::${bits} limit $6`;
  }
  const looked =
    way === "all"
      ? `memory_near n where ${where} and $7::int > 0`
      : `(select * from memory_near n where ${where} order by n.memory_id desc limit $7) n`;
  return `
select ${columns} from ${looked}
order by bit_count(n.signs # $4::bit varying), n.memory_id desc limit $6`;
}

/** What becomes a row of `memory_near`: `NearCode` with the id of its memory, as JSON. */
const codeColumns = "id uuid, signs bit varying, scale real, codes text";

const keepNear = (from: string): string => `
insert into memory_near as old (memory_id, tenant, space, model, dimensions, signs, scale, codes)
${from}
on conflict (memory_id) do update set model = excluded.model, dimensions = excluded.dimensions,
  signs = excluded.signs, scale = excluded.scale, codes = excluded.codes`;

/**
 * Embeddings that searches can't see yet, of those before $2 (null: all), newest first; at most $4 of the next 500. `last`
 * is where to go on from, null at the end. $1 model, $3 dimensions.
 */
export const findUnseen: Statement<{ last: string | null; unseen: { id: string; embedding: number[] }[] }> = {
  name: "find_unseen_embeddings",
  text: `
with page as materialized (
  select memory_id, model, dimensions from memory_embedding where $2::uuid is null or memory_id < $2::uuid
  order by memory_id desc limit 500
), unseen as materialized (
  select p.memory_id from page p
  where p.model = $1 and p.dimensions = $3
    and not exists (select from memory_near n where n.memory_id = p.memory_id and n.model = $1)
  order by p.memory_id desc limit $4
)
select case when (select count(*) from unseen) < $4 then (select memory_id from page order by memory_id limit 1)
    else (select memory_id from unseen order by memory_id limit 1) end as last,
  (select coalesce(json_agg(json_build_object('id', e.memory_id, 'embedding', e.embedding)), '[]')
    from unseen u join memory_embedding e on e.memory_id = u.memory_id) as unseen`,
};

/** Shows embeddings to searches, unless they were replaced meanwhile. $1 model, $2 [{id, signs, scale, codes}]. */
export const showEmbeddings: Statement = {
  name: "show_embeddings",
  text: `
with made as materialized (select * from json_to_recordset($2::json) as x(${codeColumns})
), held as materialized (
  select e.* from memory_embedding e join made on made.id = e.memory_id
  where e.model = $1 order by e.memory_id for share of e
)
${keepNear(`  select h.memory_id, h.tenant, h.space, h.model, h.dimensions, made.signs, made.scale, decode(made.codes, 'hex')
  from made join held h on h.memory_id = made.id`)}`,
};

/**
 * Memories that are to be embedded, since another model did it or none. $1 model, $2 how many, $3 without these.
 */
export const findUnembedded: Statement<{ id: string; text: string; model: string }> = {
  name: "find_unembedded",
  text: `
with other as materialized (
  (select memory_id, model from memory_embedding where model < $1 and memory_id <> all ($3::uuid[])
    order by model, memory_id limit $2)
  union all
  (select memory_id, model from memory_embedding where model > $1 and memory_id <> all ($3::uuid[])
    order by model, memory_id limit $2)
)
select m.id, m.text, o.model from other o join memory m on m.id = o.memory_id order by o.model, m.id limit $2`,
};

/**
 * Keeps embeddings, each only if nobody made another meanwhile. $1 model, $2 [{id, before, embedding, signs, scale, codes}].
 */
export const writeEmbeddings: Statement = {
  name: "write_embeddings",
  text: `
with made as materialized (
  select x.*, (select array_agg(v::real order by n) from json_array_elements_text(x.vector) with ordinality j(v, n)) as embedding
  from json_to_recordset($2::json) as x(${codeColumns}, before text, vector json)
), held as materialized (
  select e.memory_id from memory_embedding e join made on made.id = e.memory_id and made.before = e.model
  order by e.memory_id for update of e
), written as (
  update memory_embedding e set model = $1, dimensions = array_length(made.embedding, 1), embedding = made.embedding
  from made join held on held.memory_id = made.id
  where e.memory_id = made.id
  returning e.memory_id, e.tenant, e.space, e.model, e.dimensions, made.signs, made.scale, made.codes
)
${keepNear("  select memory_id, tenant, space, model, dimensions, signs, scale, decode(codes, 'hex') from written")}`,
};

/** Of how many dimensions the embeddings of a model are. $1 model. */
export const findDimensions: Statement<{ dimensions: number }> = {
  name: "find_embedding_dimensions",
  text: "select dimensions from memory_embedding where model = $1 limit 1",
};
