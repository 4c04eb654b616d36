import type { Statement } from "../../../ports/database.ts";

/**
 * Searches are made inside a transaction that begins with this: they read through indexes over words and meanings,
 * which the embedded engine is otherwise told not to use, since short statements fare better without. A server's
 * compiler would cost more than it could save.
 */
export const beginSearch: Statement = {
  name: "begin_memory_search",
  text: `
select set_config(name, value, true)
from (values ('enable_bitmapscan', 'on'), ('enable_seqscan', 'off'), ('jit', 'off')) s(name, value)`,
};

/** Words of a question that are looked up, the longest ones, which tend to say most. */
const mostWords = 8;
/** Memories that one word finds. A word that is in more of them says little, and counts as little. */
const mostPerWord = 200;
/** Memories that all words together find, however common each of them is. */
const mostOfAll = 100;
/** Memories that a question that is meant literally finds. */
const mostLiteral = 2_000;

/** A text as one lexeme of a query: quoted as queries have it, which is not quite how SQL does it. */
const lexemeOf = (text: string): string =>
  String.raw`concat('''', replace(replace(${text}, '\', '\\'), '''', ''''''), '''')`;

const isAlive = "(m.expires_at is null or m.expires_at > $4::bigint)";

/** The spaces as words of the index: each stands as one lexeme in every memory of its space. */
const spaceQuery = `
  select string_agg(${lexemeOf("$1 || chr(31) || space")}, ' | ')::tsquery as query from unnest($2::text[]) s(space)`;

/** How many memories the spaces have. $1 tenant, $2 spaces, $3 counted up to. */
export const countInSpaces: Statement<{ memories: number }> = {
  name: "count_memories_in_spaces",
  text: `
select count(*)::int as memories from (select from memory where tenant = $1 and space = any ($2::text[]) limit $3) m`,
};

const ofSpaces = {
  /** The index looks into the spaces alone: best where they are a small part of everything. */
  narrow: "m.lexemes @@ (w.query && s.query)",
  /** It looks for the word alone, and rows of other spaces are left out: best where the spaces are most of everything. */
  wide: "m.lexemes @@ w.query and m.tenant || '' = $1 and m.space || '' = any ($2::text[])",
} as const;

/**
 * The memories that share most with a question: those that have all its words come first, wherever they are; then each
 * word that a memory has in common with it counts the more, the fewer memories have it.
 * $1 tenant, $2 spaces, $3 question, $4 now, $5 metadata (null: any), $6 how many.
 */
export const searchWords = (width: keyof typeof ofSpaces): Statement<{ id: string }> => ({
  name: `search_memory_words_${width}`,
  text: `
with spaces as materialized (${spaceQuery}
), words as materialized (
  select lexeme, ${lexemeOf("lexeme")}::tsquery as query
  from unnest(to_tsvector('english', translate($3, '/._:@#', '      '))) w
  order by length(lexeme) desc, lexeme limit ${mostWords}
), asked as materialized (
  select lexeme, query, ${mostPerWord} as most from words
  union all
  select null, string_agg(query::text, ' & ')::tsquery, ${mostOfAll} from words having count(*) > 1
), found as materialized (
  select w.lexeme, f.id, f.updated_at, count(*) over (partition by w.lexeme) as times
  from asked w cross join spaces s cross join lateral (
    select m.id, m.updated_at from memory m
    where ${ofSpaces[width]} and ${isAlive} and ($5::jsonb is null or m.metadata @> $5::jsonb)
    limit w.most) f
)
select id from found
group by id
order by bool_or(lexeme is null) desc,
  coalesce(sum(ln(1 + ${mostPerWord}::float8 / times)) filter (where lexeme is not null), 0) desc, max(updated_at) desc, id desc
limit $6`,
});

/**
 * The memories that fit a question literally: words in quotation marks stand one behind the other, words behind a minus
 * do not occur. Those in which the words stand closest come first. The same parameters.
 */
export const searchLiterally: Statement<{ id: string }> = {
  name: "search_memory_literally",
  text: `
with spaces as materialized (${spaceQuery}
), asked as materialized (
  select websearch_to_tsquery('english', translate($3, '/._:@#', '      ')) as query
), found as materialized (
  select m.id, m.updated_at, ts_rank_cd(m.lexemes, a.query) as rank
  from asked a cross join spaces s join memory m on m.lexemes @@ (s.query && a.query)
  where numnode(a.query) > 0 and ${isAlive} and ($5::jsonb is null or m.metadata @> $5::jsonb)
  limit ${mostLiteral}
)
select id from found order by rank desc, updated_at desc, id desc limit $6`,
};
