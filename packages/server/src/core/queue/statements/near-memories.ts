import type { Statement } from "../../../ports/database.ts";

/** What the extension for vectors can do here; null: there is none. */
export const readVectorExtension: Statement<{ version: string | null; available: boolean }> = {
  name: "read_vector_extension",
  text: `
select (select extversion from pg_extension where extname = 'vector') as version,
  exists (select from pg_available_extensions where name = 'vector') as available`,
};

export const createVectorExtension = "create extension if not exists vector";

const indexName = (dimensions: number): string => `memory_embedding_near_${dimensions}`;

/** Whether the index over embeddings of so many dimensions is there and whole, and up to $2, how many there are. */
export const readVectorIndex = (dimensions: number): Statement<{ ready: boolean; embeddings: number }> => ({
  name: `read_vector_index_${dimensions}`,
  text: `
select exists (select from pg_index where indexrelid = to_regclass('${indexName(dimensions)}') and indisvalid) as ready,
  (select count(*)::int from (select from memory_embedding where model = $1 limit $2) e) as embeddings`,
});

/** The signs of a vector, one bit for each dimension: a hundred bytes that say roughly where it points. */
const signsOf = (vector: string, dimensions: number): string =>
  `binary_quantize(${vector}::vector(${dimensions}))::bit(${dimensions})`;

/**
 * The index is over the signs of the embeddings: a thirtieth of their size, so it stays in memory and is quick to
 * write. What it finds is compared exactly afterwards.
 */
export const createVectorIndex = (dimensions: number): string => `
select set_config('statement_timeout', '0', true);
create index if not exists ${indexName(dimensions)} on memory_embedding
  using hnsw ((${signsOf("embedding", dimensions)}) bit_hamming_ops) where dimensions = ${dimensions}`;

/** How many vectors the spaces have. $1 tenant, $2 spaces, $3 model, $4 counted up to. */
export const countEmbeddings: Statement<{ embeddings: number }> = {
  name: "count_embeddings",
  text: `
select count(*)::int as embeddings
from (select from memory_embedding where tenant = $1 and space = any ($2::text[]) and model = $3 limit $4) e`,
};

export interface NearRow {
  id: string;
  similarity: number;
}

/** How meanings are compared: in C by the extension, exactly or by its index first, or by plain SQL. */
export type Comparison = "exact" | "index" | "plain";

/** What the index finds, of which the best are kept after comparing exactly. */
const foundByIndex = 200;

/** Lets the index go on until enough of the right spaces was found. */
export const beginNear = (isIterative: boolean): Statement => ({
  name: isIterative ? "begin_near_iterative" : "begin_near",
  text: `
select set_config(name, value, true) from (values ('enable_sort', 'off'), ('hnsw.ef_search', '${foundByIndex}')
  ${isIterative ? ", ('hnsw.iterative_scan', 'relaxed_order'), ('hnsw.max_scan_tuples', '40000')" : ""}) s(name, value)`,
});

const madeStatements = new Map<string, Statement<NearRow>>();

/**
 * The memories whose meaning is nearest. $1 tenant, $2 spaces, $3 model, $4 now, $5 metadata (null: any), $6 how many,
 * $7 the vector, $8 how many at most are compared one by one, the newest.
 */
export function searchNear(how: Comparison, dimensions: number): Statement<NearRow> {
  const name = `search_near_${how}_${dimensions}`;
  let statement = madeStatements.get(name);
  if (statement === undefined) {
    statement = { name, text: textOf(how, dimensions) };
    madeStatements.set(name, statement);
  }
  return statement;
}

const isWanted =
  "(m.expires_at is null or m.expires_at > $4::bigint) and ($5::jsonb is null or m.metadata @> $5::jsonb)";
const isHere = "e.tenant = $1 and e.space = any ($2::text[]) and e.model = $3";

function textOf(how: Comparison, dimensions: number): string {
  const vector = (value: string) => `${value}::vector(${dimensions})`;
  const similarity =
    how === "plain"
      ? "(select sum(x.a::float8 * x.b) from unnest(n.embedding, $7::real[]) x(a, b))"
      : `1 - (${vector("n.embedding")} <=> ${vector("$7::real[]")})`;
  const asked = signsOf("$7::real[]", dimensions);
  // All three take eight parameters; those that have no use for the last one say only that it is a number.
  const candidates =
    how === "index"
      ? `
  select e.memory_id, e.embedding from memory_embedding e join memory m on m.id = e.memory_id
  where e.dimensions = ${dimensions} and ${isHere} and ${isWanted} and $8::int > 0
  order by ${signsOf("e.embedding", dimensions)} <~> ${asked} limit ${foundByIndex}`
      : `
  select e.memory_id, e.embedding from memory_embedding e
  where ${isHere} and ($5::jsonb is null or exists (select from memory m where m.id = e.memory_id and m.metadata @> $5::jsonb))
  order by e.memory_id desc limit $8::int`;
  return `
with candidates as materialized (${candidates}
), near as materialized (
  select n.memory_id, ${similarity} as similarity from candidates n order by 2 desc, 1 desc limit $6 * 2
)
select n.memory_id as id, n.similarity from near n join memory m on m.id = n.memory_id
where ${isWanted} order by n.similarity desc, n.memory_id desc limit $6`;
}

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
 * Keeps embeddings, each only if nobody made another meanwhile. $1 model, $2 [{id, before, embedding}].
 */
export const writeEmbeddings: Statement<{ id: string }> = {
  name: "write_embeddings",
  text: `
with made as materialized (
  select x.id, x.before, (select array_agg(v::real order by n) from json_array_elements_text(x.embedding) with ordinality j(v, n)) as embedding
  from json_to_recordset($2::json) as x(id uuid, before text, embedding json)
), held as materialized (
  select e.memory_id from memory_embedding e join made on made.id = e.memory_id and made.before = e.model
  order by e.memory_id for update of e
)
update memory_embedding e set model = $1, dimensions = array_length(made.embedding, 1), embedding = made.embedding
from made join held on held.memory_id = made.id
where e.memory_id = made.id returning e.memory_id as id`,
};

/** Of how many dimensions the embeddings of a model are. $1 model. */
export const findDimensions: Statement<{ dimensions: number }> = {
  name: "find_embedding_dimensions",
  text: "select dimensions from memory_embedding where model = $1 limit 1",
};
