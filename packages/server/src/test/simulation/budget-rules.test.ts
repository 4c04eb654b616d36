import { expect, it } from "vitest";
import { checkSpending, createSpendingWitness, type SpendingMove } from "./budget-rules.ts";

const budgets = [
  { id: "outer", on_reached: "skip-rest" as const },
  { id: "inner", on_reached: "pause" as const },
];
const tasks = [
  { id: "under", path: ["outer", "inner"] },
  { id: "free", path: [] },
];
const begun = (id: string, resumed = false): SpendingMove => ({ kind: "begun", id, resumed });
const reached = (id: string): SpendingMove => ({ kind: "reached", id });
const raised = (id: string): SpendingMove => ({ kind: "raised", id });

it.each<[SpendingMove[], number]>([
  [[begun("under"), reached("inner"), begun("free")], 0],
  [[reached("inner"), begun("under")], 1],
  [[reached("inner"), raised("inner"), begun("under")], 0],
  [[reached("outer"), begun("under")], 1],
  [[reached("outer"), begun("under", true)], 0],
  [[reached("inner"), begun("under", true)], 1],
])("%j: %i violations", (moves, count) => {
  expect(checkSpending(moves, budgets, tasks)).toHaveLength(count);
});

it("takes what it judges from the answers of statements", () => {
  const moves: SpendingMove[] = [];
  const witness = createSpendingWitness(moves);
  witness("claim", [{ id: "a", resumed: true }]);
  witness("mark_reached", [{ id: "b" }]);
  witness("raise_budget", [{ id: "b" }]);
  witness("complete", [
    { kind: "ended", id: "c" },
    { kind: "handed", id: "d", handed: { resumed: false } },
  ]);
  witness("complete_one", [{ kind: "handed", id: "e", handed: { resumed: false } }]);
  expect(moves).toEqual([begun("a", true), reached("b"), raised("b"), begun("d"), begun("e")]);
});
