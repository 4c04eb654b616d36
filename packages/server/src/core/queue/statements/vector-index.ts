import type { Statement } from "../../../ports/database.ts";

/** What the extension for vectors can do here; null: it is not in use. */
export const readVectorExtension: Statement<{ version: string | null; available: boolean }> = {
  name: "read_vector_extension",
  text: `
select (select extversion from pg_extension where extname = 'vector') as version,
  exists (select from pg_available_extensions where name = 'vector') as available`,
};

/** What is said of a database: its version, and the extension for vectors, in use (`vector`) and on its disk (`offered`). */
export const readDatabaseFacts: Statement<{
  version: string;
  vector: string | null;
  offered: string | null;
}> = {
  name: "read_database_facts",
  text: `
select current_setting('server_version') as version,
  (select extversion from pg_extension where extname = 'vector') as vector,
  (select default_version from pg_available_extensions where name = 'vector') as offered`,
};

export const createVectorExtension = "create extension if not exists vector";

const indexName = (dimensions: number): string => `memory_near_signs_${dimensions}`;

/** Whether the index over signs of so many dimensions is there and whole. */
export const readVectorIndex = (dimensions: number): Statement<{ ready: boolean }> => ({
  name: `read_vector_index_${dimensions}`,
  text: `
select exists (select from pg_index where indexrelid = to_regclass('${indexName(dimensions)}') and indisvalid) as ready`,
});

/** Rows with which an index is made in one go, in a part of a second. */
const mostAtOnce = 500;

/**
 * Makes the index while there is nothing in it, and lets what is there be filled in anew, in small steps: to build one of
 * many rows would hold up everything else for minutes. Of several nodes one does it.
 */
export const createVectorIndex = (dimensions: number): string => `
set local statement_timeout = 0;
lock table memory_near in access exclusive mode;
do $$
begin
  if to_regclass('${indexName(dimensions)}') is not null
    and not (select indisvalid from pg_index where indexrelid = to_regclass('${indexName(dimensions)}'))
  then
    drop index ${indexName(dimensions)};
  end if;
  if to_regclass('${indexName(dimensions)}') is null then
    if (select count(*) > ${mostAtOnce} from (select from memory_near where dimensions = ${dimensions} limit ${mostAtOnce + 1}) n)
    then
      truncate memory_near;
    end if;
    create index ${indexName(dimensions)} on memory_near
      using hnsw ((signs::bit(${dimensions})) bit_hamming_ops) where dimensions = ${dimensions};
  end if;
end $$`;
