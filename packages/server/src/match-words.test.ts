import { expect, test } from "vitest";
import { matchWords } from "./match-words.ts";

const texts = [
  "code_review Finds faults in one source file: what is wrong, where, how severe",
  "cook Boils soup from vegetables",
];

test("texts are near by the words that they share, without any model", async () => {
  expect(await matchWords("boil some soup", texts, { byMeaning: false })).toEqual([0, 1]);
  expect(await matchWords("look for bugs in my program", texts, { byMeaning: false })).toEqual([0, 0]);
  expect(await matchWords("anything", [], { byMeaning: false })).toEqual([]);
});

test("and by what they mean, on this machine; what means nothing is near to nothing", async () => {
  const [review, cook] = await matchWords("look for bugs in my program", texts);
  expect(review).toBeGreaterThan(0.3);
  expect(cook).toBe(0);
  expect(await matchWords("zzyzx qwertz", texts)).toEqual([0, 0]);
});
