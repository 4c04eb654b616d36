import { expect, test } from "vitest";
import { rankByWords, stemsOf } from "./rank-by-words.ts";

test("words are compared without endings, capitals and fillers", () => {
  expect(stemsOf("Reviews the codeReviewer's reviewing of code_reviews!")).toEqual([
    "review",
    "cod",
    "review",
    "s",
    "review",
    "cod",
    "review",
  ]);
  expect(stemsOf("Übersetzungen prüfen")).toEqual(["übersetzungen", "prüfen"]);
});

test("the text with the rare words of the query comes first, and one without any has nothing", () => {
  const texts = [
    "code-reviewer: reviews code for bugs",
    "sql-expert: writes and tunes SQL queries for Postgres databases",
    "poet: writes poems",
  ];
  const best = (query: string) => {
    const scores = rankByWords(query, texts);
    return scores.indexOf(Math.max(...scores));
  };
  expect(best("please review my code")).toBe(0);
  expect(best("a slow query in the database")).toBe(1);
  expect(best("write a poem")).toBe(2);
  expect(rankByWords("translate to French", texts)).toEqual([0, 0, 0]);
  expect(rankByWords("the of", texts)).toEqual([0, 0, 0]);
  expect(rankByWords("anything", [])).toEqual([]);
});

test("a text gains nothing by repeating itself without end", () => {
  const [honest, stuffed] = rankByWords("review code", ["reviews code", "review code ".repeat(1_000)]) as [
    number,
    number,
  ];
  expect(stuffed).toBeLessThan(honest * 2.2);
});
