import type { Database, Queryable, SqlValue } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import {
  beginNear,
  type Comparison,
  countEmbeddings,
  createVectorExtension,
  createVectorIndex,
  type NearRow,
  readVectorExtension,
  readVectorIndex,
  searchNear,
} from "../queue/statements/near-memories.ts";

/** When which way of comparing is taken, in numbers of embeddings. */
export interface NearnessBounds {
  /** So many the extension compares one by one. More of them take an index. */
  mostExact: number;
  /** So many plain SQL compares, which takes some ten times as long. */
  mostPlain: number;
  /** From so many on there is an index. Below, one would cost more than it saves. */
  indexedFrom: number;
}

const usualBounds: NearnessBounds = { mostExact: 4_000, mostPlain: 1_000, indexedFrom: 3_000 };
/** An index is not made for more dimensions than these. */
const mostIndexed = 4_096;

export interface Near {
  /** `newest`: only the newest were compared, since there are more than can be compared one by one. */
  how: "exact" | "newest" | "index";
  rows: NearRow[];
}

export interface NearQuestion {
  tenant: string;
  spaces: readonly string[];
  model: string;
  vector: readonly number[];
  now: number;
  /** JSON text, or null. */
  metadata: string | null;
  limit: number;
}

interface Support {
  vector: boolean;
  hnsw: boolean;
  iterative: boolean;
}

/** Whether a version such as 0.8.1 is at least 0.<minor>. */
const isSince = (version: string, minor: number): boolean => {
  const [major = 0, second = 0] = version.split(".").map(Number);
  return major > 0 || second >= minor;
};

/**
 * Finds what is nearest in meaning, in the best way that the database has: pgvector with an index where there are many
 * embeddings, without one where they are few, and plain SQL where the extension is missing. The index is made when it
 * pays, and never needed: it can be dropped at any time.
 */
export function createNearness(database: Database, log: Log, bounds: NearnessBounds = usualBounds) {
  const { mostExact, mostPlain, indexedFrom } = bounds;
  let support: Promise<Support> | null = null;
  const indexed = new Set<number>();

  async function findSupport(): Promise<Support> {
    let [row] = await database.query(readVectorExtension);
    if (row?.version === null && row.available) {
      // Where it may not be created, or another node does it at this moment, what is there counts.
      await database
        .execute(createVectorExtension)
        .catch((error: unknown) => log.info({ error }, "The extension vector could not be created."));
      [row] = await database.query(readVectorExtension);
    }
    const version = row?.version ?? null;
    if (version === null) return { vector: false, hnsw: false, iterative: false };
    return { vector: true, hnsw: isSince(version, 7), iterative: isSince(version, 8) };
  }

  function supported(): Promise<Support> {
    support ??= findSupport().catch((error: unknown) => {
      support = null;
      throw error;
    });
    return support;
  }

  return {
    /** To be called before the transaction in which `search` runs: it may create the extension. */
    supported,

    /** Inside a transaction of its own settings. */
    async search(tx: Queryable, question: NearQuestion): Promise<Near> {
      const { vector, iterative } = await supported();
      const { tenant, spaces, model, now, metadata, limit } = question;
      const dimensions = question.vector.length;
      const most = vector ? mostExact : mostPlain;
      const where: SqlValue[] = [tenant, spaces as string[], model];
      const [count] = await tx.query(countEmbeddings, [...where, most + 1]);
      const isMany = (count?.embeddings ?? 0) > most;
      const useIndex = isMany && indexed.has(dimensions);
      const how: Comparison = useIndex ? "index" : vector ? "exact" : "plain";
      if (useIndex) await tx.query(beginNear(iterative));
      const rows = await tx.query(searchNear(how, dimensions), [
        ...where,
        now,
        metadata,
        limit,
        question.vector as number[],
        most,
      ]);
      return { how: useIndex ? "index" : isMany ? "newest" : "exact", rows };
    },

    /** Makes the index where it pays, which takes a while where there are many embeddings, and holds up writing them. */
    async keepIndex(model: string, dimensions: number): Promise<void> {
      if (indexed.has(dimensions) || dimensions > mostIndexed) return;
      if (!(await supported()).hnsw) return;
      const [found] = await database.query(readVectorIndex(dimensions), [model, indexedFrom]);
      if (found === undefined || found.embeddings < indexedFrom) return;
      if (!found.ready) {
        log.info({ dimensions }, "Making the index over the meanings of memories.");
        await database.execute(createVectorIndex(dimensions));
      }
      indexed.add(dimensions);
    },
  };
}

export type Nearness = ReturnType<typeof createNearness>;
