import type { MemoryMetadata, Recall } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database, SqlValue } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import { readMemories, useMemories } from "../queue/statements/memories.ts";
import {
  beginSearch,
  countInSpaces,
  searchLiterally,
  searchWords,
} from "../queue/statements/search-memories.ts";
import { fuseRanks } from "./fuse-ranks.ts";
import { createKnownCounts } from "./known-counts.ts";
import type { MeaningOf } from "./meaning.ts";
import { memoryOf } from "./memory-view.ts";
import type { Near, Nearness } from "./nearness.ts";

/** What comparing meanings found, and how; the latter as it is answered. */
interface Found extends Omit<Recall, "items"> {
  near: Near["rows"];
}

const nothing = { vector: "none", model: null } as const;

export interface Question {
  tenant: string;
  spaces: readonly string[];
  query: string;
  limit: number;
  metadata?: MemoryMetadata | undefined;
  minSimilarity?: number | undefined;
}

/** What each search finds at most before both are joined. */
const mostFound = 100;
/** Memories that are over and may stand in front of others without taking their place. */
const mostOver = 10;

/** Quotation marks around words, or a minus right before one: the question is meant word for word. */
const isLiteral = (query: string): boolean => /"[^"]+"|(?:^|\s)-\w/.test(query);

export interface RecallDependencies {
  database: Database;
  clock: Clock;
  log: Log;
  nearness: Nearness;
  meaningOf: MeaningOf;
}

/** From so many memories on, the spaces are searched as if they were everything. */
const wideFrom = 5_000;
/** More than so many are not counted with each question. */
const many = 500;

/** Finds memories by their words and by their meaning, and joins what both found. */
export function createRecall({ database, clock, log, nearness, meaningOf }: RecallDependencies) {
  const filterOf = ({ metadata }: Question): string | null =>
    metadata === undefined ? null : JSON.stringify(metadata);

  const countOf = createKnownCounts(clock, many);

  /** Large spaces would make the index compare two long lists, of the space and of the word, where one will do. */
  async function wordSearch({ tenant, spaces }: Question) {
    const memories = await countOf(JSON.stringify([tenant, ...spaces]), async () => {
      const [row] = await database.query(countInSpaces, [tenant, spaces as string[], wideFrom]);
      return row?.memories ?? 0;
    });
    return searchWords(memories < wideFrom ? "narrow" : "wide");
  }

  async function findWords(question: Question): Promise<string[]> {
    const { tenant, spaces, query } = question;
    const statement = isLiteral(query) ? searchLiterally : await wordSearch(question);
    return database.transaction(async (tx) => {
      await tx.query(beginSearch);
      const bounds: SqlValue[] = [
        tenant,
        spaces as string[],
        query,
        clock.now(),
        filterOf(question),
        mostFound,
      ];
      const rows = await tx.query(statement, bounds);
      return rows.map(({ id }) => id);
    });
  }

  /** A question that is meant word for word is not compared by its meaning. */
  async function findMeaning(question: Question): Promise<Found> {
    const { query, spaces, tenant, minSimilarity = -1 } = question;
    if (isLiteral(query)) return { near: [], ...nothing, note: "The question was taken literally." };
    const meant = await meaningOf(query);
    if (meant.model === null) return { near: [], ...nothing, note: meant.note };
    const asked = { tenant, spaces, ...meant, metadata: filterOf(question) };
    const { how, rows } = await nearness.search({ ...asked, limit: mostFound });
    const near = rows.filter(({ similarity }) => similarity >= minSimilarity);
    return { near, vector: how, model: meant.model, note: null };
  }

  /** Nobody waits for it, and a use that is not counted does no harm. */
  function countUses(ids: string[]): void {
    if (ids.length === 0) return;
    database
      .query(useMemories, [ids, clock.now()])
      .catch((error: unknown) => log.warn({ error }, "The use of memories could not be counted."));
  }

  return async function recall(question: Question): Promise<Recall> {
    const { tenant, spaces, limit } = question;
    const [words, { near, ...how }] = await Promise.all([findWords(question), findMeaning(question)]);
    // What is over by now is found by its meaning until it is pruned.
    const best = fuseRanks([words, near.map(({ id }) => id)], limit + mostOver);
    const ids = best.map(({ id }) => id);
    const rows =
      ids.length === 0
        ? []
        : await database.query(readMemories, [tenant, spaces as string[], ids, clock.now()]);
    const rowOf = new Map(rows.map((row) => [row.id, row]));
    const similarityOf = new Map(near.map(({ id, similarity }) => [id, similarity]));
    const items = best.flatMap(({ id, score, ranks: [lexicalRank = null, vectorRank = null] }) => {
      const row = rowOf.get(id);
      const similarity = similarityOf.get(id) ?? null;
      return row === undefined ? [] : [{ memory: memoryOf(row), score, lexicalRank, vectorRank, similarity }];
    });
    const shown = items.slice(0, limit);
    countUses(shown.map(({ memory }) => memory.id));
    return { items: shown, ...how };
  };
}
