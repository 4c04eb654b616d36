import { nearCodeOf } from "../core/memory/near-code.ts";
import type { Database } from "../ports/database.ts";

export interface FilledMemory {
  id: string;
  space: string;
  text: string;
  vector: number[];
}

/** An id that sorts by its number. */
export const idOfNumber = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

/** Writes memories of the tenant `default` with embeddings of model `m`; `seen`: as searches see them, too. */
export async function fillMemories(
  database: Database,
  memories: readonly FilledMemory[],
  { seen }: { seen: boolean },
): Promise<void> {
  const rows = memories.map(({ vector, ...one }) => ({
    ...one,
    embedding: `{${vector}}`,
    ...nearCodeOf(vector),
  }));
  await database.query(
    {
      name: "test_fill_memories",
      text: `
with x as materialized (select * from json_to_recordset($1::json)
  as x(id uuid, space text, text text, embedding text, signs bit varying, scale real, codes text)),
m as (insert into memory (id, tenant, space, text, metadata, hash, created_at, updated_at, created_by)
  select id, 'default', space, text, '{}', sha256(convert_to(id::text, 'UTF8')), 1, 1, 'test' from x returning id),
e as (insert into memory_embedding (memory_id, tenant, space, model, dimensions, embedding)
  select x.id, 'default', x.space, 'm', array_length(x.embedding::real[], 1), x.embedding::real[] from x join m using (id)
  returning memory_id, dimensions)
insert into memory_near (memory_id, tenant, space, model, dimensions, signs, scale, codes)
select x.id, 'default', x.space, 'm', e.dimensions, x.signs, x.scale, decode(x.codes, 'hex')
from x join e on e.memory_id = x.id where $2`,
    },
    [JSON.stringify(rows), seen],
  );
}
