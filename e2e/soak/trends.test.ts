import { expect, test } from "vitest";
import { findTrend } from "./trends.ts";

const measure = { name: "memory", unit: "MB", slack: 10 };
const series = (valueAt: (index: number) => number) =>
  Array.from({ length: 40 }, (_, index) => valueAt(index));

test.each([
  ["grows all the time", series((index) => index * 10), true],
  ["is filled up in the first half and stays", series((index) => Math.min(index, 20) * 10), false],
  ["swings", series((index) => 200 + (index % 2) * 100), false],
  ["jumps now and then", series((index) => (index % 7 === 0 ? 900 : 100)), false],
  ["grows by less than counts", series((index) => 10 + index / 10), false],
  ["falls", series((index) => 400 - index * 10), false],
])("what %s", (_, values, grows) => {
  expect(findTrend(measure, values).grows).toBe(grows);
});

test("the medians of the quarters are told", () => {
  expect(
    findTrend(
      measure,
      series((index) => Math.floor(index / 10) * 100),
    ),
  ).toMatchObject({
    third: 200,
    last: 300,
    most: 300,
  });
});
