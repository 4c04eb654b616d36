import { expect, it } from "vitest";
import { fakeTask } from "../test/fake-task.ts";
import { clipBytes } from "./clip-bytes.ts";
import { createEntries } from "./journal-entries.ts";

const mebibyte = 1024 * 1024;

it("puts a bounded number of bytes into the journal, and gives back all of them", async () => {
  const task = fakeTask();
  const value = (n: number) => ({ n, text: "x".repeat(100_000) });
  const keys = Array.from({ length: 100 }, (_, n) => n);
  const read = async () => {
    const { ended } = (await task.attempt(async (context) => {
      const entries = createEntries(context, "loop");
      const values: unknown[] = [];
      for (const n of keys) values.push(await entries.step(String(n), () => value(n)));
      return values;
    })) as { ended: unknown[] };
    return ended;
  };
  expect(await read()).toEqual(keys.map(value));
  const inJournal = [...task.journal.values()].reduce((sum, text) => sum + text.length, 0);
  expect(inJournal).toBeLessThan(4.5 * mebibyte);
  const written = new Map(task.artifacts);
  // Who takes over reads the same, and writes nothing.
  expect(await read()).toEqual(keys.map(value));
  expect(task.artifacts).toEqual(written);
});

it("does not go on from an artifact that somebody has changed", async () => {
  const task = fakeTask();
  const attempt = () =>
    task.attempt((context) => createEntries(context, "loop").step("1", () => "y".repeat(300_000)));
  expect(await attempt()).toEqual({ ended: "y".repeat(300_000) });
  const [key] = [...task.artifacts.keys()];
  task.artifacts.set(key!, JSON.stringify("n".repeat(300_000)));
  expect(await attempt()).toMatchObject({ failed: { code: "content_damaged", retryable: false } });
});

it("cuts a text without leaving half a character", () => {
  expect(clipBytes("añb", 2)).toBe("a");
  expect(clipBytes("añb", 3)).toBe("añ");
  expect(clipBytes("😀😀", 7)).toBe("😀");
  expect(clipBytes("short", 100)).toBe("short");
});
