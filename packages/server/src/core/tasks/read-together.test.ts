import { expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { createReadTogether } from "./read-together.ts";

/** A database that has every task but those whose name begins with "no", and keeps what it was asked for. */
function store() {
  const asked: [string, readonly string[]][] = [];
  const query = async ({ name }: { name: string }, [ids]: [string[]]) => {
    asked.push([name, ids]);
    return ids.filter((id) => !id.startsWith("no")).map((id) => ({ id, task_id: id }));
  };
  return { asked, read: createReadTogether({ query: query as unknown as Database["query"] }) };
}

it("reads tasks that are asked for at the same moment in one statement", async () => {
  const { asked, read } = store();
  const found = await Promise.all(["a", "b", "none", "a"].map(read.task));
  expect(found.map((row) => row?.id)).toEqual(["a", "b", undefined, "a"]);
  expect(asked).toEqual([["read_tasks", ["a", "b", "none"]]]);
});

it("gives everybody what belongs to their task, also where that is nothing", async () => {
  const { asked, read } = store();
  const [needs, attempts, none] = await Promise.all([
    read.needs("a"),
    read.attempts("b"),
    read.needs("none"),
  ]);
  expect(needs).toEqual([{ id: "a", task_id: "a" }]);
  expect(attempts).toEqual([{ id: "b", task_id: "b" }]);
  expect(none).toEqual([]);
  expect(asked.map(([name]) => name).sort()).toEqual(["read_attempts", "read_dependencies"]);
});

it("asks for no more than fifty tasks at once, whose payloads may be large", async () => {
  const { asked, read } = store();
  await Promise.all(Array.from({ length: 120 }, (_, n) => read.task(`${n}`)));
  expect(asked.map(([, ids]) => ids.length)).toEqual([50, 50, 20]);
});
