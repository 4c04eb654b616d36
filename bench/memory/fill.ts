import type { Database } from "../../packages/server/src/ports/database.ts";

export const dimensions = 512;
const topics = 500;
/** Words by how often they are; those before the first are the ones that nobody searches for: the, of, and. */
const [firstWord, lastWord] = [30, 20_000];
/** Memories that one statement writes. */
const atOnce = 500;

/** Numbers from 0 to 1 that are the same in every run. */
export function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Memories as they might be: words as often as words are (Zipf), meanings around some hundreds of topics. */
export function createCorpus(chance: () => number) {
  const centres = Array.from({ length: topics }, () =>
    Float32Array.from({ length: dimensions }, () => chance() - 0.5),
  );
  const word = () => `w${Math.floor(firstWord * (lastWord / firstWord) ** chance()).toString(36)}x`;
  return {
    text: (words: number) => Array.from({ length: words }, word).join(" "),
    vector(): Float32Array {
      const centre = centres[Math.floor(chance() * topics)] as Float32Array;
      const vector = centre.map((value) => value + (chance() - 0.5) * 1.5);
      const length = Math.hypot(...vector);
      return vector.map((value) => value / length);
    },
  };
}

type Corpus = ReturnType<typeof createCorpus>;

/** Fills a store with global memories of the tenant `default`; answers their vectors in the order of their ids. */
export async function fill(database: Database, corpus: Corpus, count: number): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  // Made at the end, which takes seconds instead of minutes, and comes to the same.
  await database.execute("drop index memory_lexemes");
  for (let from = 0; from < count; from += atOnce) {
    const rows = Array.from({ length: Math.min(atOnce, count - from) }, (_, n) => {
      const vector = corpus.vector();
      vectors.push(vector);
      const values = [...vector].map((value) => value.toFixed(6)).join(",");
      return { id: idOf(from + n), text: `${corpus.text(20)} n${from + n}`, embedding: `{${values}}` };
    });
    await database.query(
      {
        name: "bench_fill_memories",
        text: `
with x as materialized (select * from json_to_recordset($1::json) as x(id uuid, text text, embedding text)),
m as (insert into memory (id, tenant, space, text, metadata, hash, created_at, updated_at, created_by)
  select id, 'default', 'global:', text, '{}', sha256(convert_to(text, 'UTF8')), 1, 1, 'bench' from x returning id)
insert into memory_embedding (memory_id, tenant, space, model, dimensions, embedding)
select x.id, 'default', 'global:', 'bench', ${dimensions}, x.embedding::real[] from x join m using (id)`,
      },
      [JSON.stringify(rows)],
    );
  }
  await database.execute("create index memory_lexemes on memory using gin (lexemes) with (fastupdate = off)");
  return vectors;
}

const idOf = (n: number): string => `0199aa41-7c1e-7000-8000-${n.toString(16).padStart(12, "0")}`;
export const numberOf = (id: string): number => Number.parseInt(id.slice(-12), 16);
