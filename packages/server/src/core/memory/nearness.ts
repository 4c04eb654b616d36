import type { Clock } from "../../ports/clock.ts";
import type { Database, SqlValue } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import { beginNear, countNear, type NearWay, searchNear } from "../queue/statements/near-memories.ts";
import { createVectorIndex, readVectorIndex } from "../queue/statements/vector-index.ts";
import { createKnownCounts } from "./known-counts.ts";
import { signsOf, similarityTo } from "./near-code.ts";
import { createVectorSupport } from "./vector-support.ts";

/** When which way of searching is taken, in numbers of memories. */
export interface NearnessBounds {
  /** So many are compared number by number, which misses nothing. */
  mostExact: number;
  /** So many are searched by looking at the signs of all. More of them go through the index. */
  mostScanned: number;
  /** So many, the newest, are looked at where there is no index. */
  mostWithoutIndex: number;
}

const usualBounds: NearnessBounds = { mostExact: 500, mostScanned: 5_000, mostWithoutIndex: 100_000 };
/** An index is not made for more dimensions than these. */
const mostIndexed = 4_096;
/** How many that look near are compared by their numbers. */
const comparedBy = { index: 200, scan: 400 } as const;

export interface Near {
  /** `newest`: only the newest were looked at, since others can't be yet, or there are too many without an index. */
  how: "exact" | "newest" | "index";
  rows: { id: string; similarity: number }[];
}

export interface NearQuestion {
  tenant: string;
  spaces: readonly string[];
  model: string;
  vector: readonly number[];
  /** JSON text, or null. */
  metadata: string | null;
  limit: number;
}

export interface NearnessDependencies {
  database: Database;
  clock: Clock;
  log: Log;
}

/**
 * Finds what is nearest in meaning, in two steps: what looks near by the signs of the numbers, then those by their numbers.
 * The first step looks at all, or goes through an index of the extension `vector` where there are many. The index is
 * never needed: where there is none, looking at all takes longer.
 */
export function createNearness(
  { database, clock, log }: NearnessDependencies,
  bounds: NearnessBounds = usualBounds,
) {
  const { mostExact, mostScanned, mostWithoutIndex } = bounds;
  const vectors = createVectorSupport(database, clock, log);
  const indexed = new Set<number>();
  const countOf = createKnownCounts(clock, mostExact);
  let isComplete = true;

  function count({ tenant, spaces, model }: NearQuestion, most: number): Promise<number> {
    return countOf(JSON.stringify([tenant, model, most, ...spaces]), async () => {
      const [row] = await database.query(countNear, [tenant, spaces as string[], model, most + 1]);
      return row?.memories ?? 0;
    });
  }

  async function waysOf(question: NearQuestion): Promise<{ way: NearWay; compared: number }> {
    const hasIndex = indexed.has(question.vector.length);
    const most = hasIndex ? mostScanned : mostWithoutIndex;
    const memories = await count(question, most);
    if (memories <= mostExact) return { way: "all", compared: mostExact };
    if (memories <= most) return { way: "all", compared: comparedBy.scan };
    return hasIndex
      ? { way: "index", compared: comparedBy.index }
      : { way: "newest", compared: comparedBy.scan };
  }

  async function searchOnce(question: NearQuestion): Promise<Near> {
    const { tenant, spaces, model, vector, metadata, limit } = question;
    const { way, compared } = await waysOf(question);
    const { iterative } = await vectors.supported();
    const parameters: SqlValue[] = [tenant, spaces as string[], model, signsOf(vector), metadata];
    const found = await database.transaction(async (tx) => {
      await tx.query(beginNear(way, iterative));
      const statement = searchNear(way, vector.length, metadata !== null);
      return tx.query(statement, [...parameters, compared, mostWithoutIndex]);
    });
    const rows = found
      .map(({ id, scale, codes }) => ({ id, similarity: similarityTo(vector, scale, codes) }))
      .sort((one, other) => other.similarity - one.similarity || (one.id < other.id ? 1 : -1))
      .slice(0, limit);
    if (!isComplete || way === "newest") return { how: "newest", rows };
    return {
      how: way === "all" && found.length < mostExact && compared === mostExact ? "exact" : "index",
      rows,
    };
  }

  return {
    supported: vectors.supported,

    /** Whether searches see all embeddings by now. */
    setComplete(complete: boolean): void {
      isComplete = complete;
    },

    async search(question: NearQuestion): Promise<Near> {
      try {
        return await searchOnce(question);
      } catch (error) {
        if (!indexed.delete(question.vector.length)) throw error;
        // Somebody may have taken the extension away, and the index with it.
        vectors.forget();
        log.warn({ error }, "The index over the meanings of memories failed; they are compared without it.");
        return searchOnce(question);
      }
    },

    /** Makes the index while there is nothing in it. Answers whether it is new, so that all has to be filled in. */
    async keepIndex(dimensions: number): Promise<boolean> {
      if (indexed.has(dimensions) || dimensions > mostIndexed) return false;
      if (!(await vectors.supported()).index) return false;
      const [before] = await database.query(readVectorIndex(dimensions));
      if (before?.ready !== true) await database.execute(createVectorIndex(dimensions));
      indexed.add(dimensions);
      return before?.ready !== true;
    },
  };
}

export type Nearness = ReturnType<typeof createNearness>;
