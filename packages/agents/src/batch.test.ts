import { describe, expect, it } from "vitest";
import { type BatchOptions, createBatcher } from "./batch.ts";

const batcher = (more: Partial<BatchOptions<number, string>> = {}) => {
  const batches: (readonly number[])[] = [];
  const run = async (inputs: readonly number[]) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (inputs.includes(13)) throw new Error("13");
    return inputs.map((input) => `<${input}>`);
  };
  const options = { maxSize: 3, maxRunning: 1, belongTogether: () => true, run, ...more };
  const ask = createBatcher<number, string>({
    ...options,
    run: (inputs, signal) => {
      batches.push(inputs);
      return options.run(inputs, signal);
    },
  });
  return { batches, ask: (input: number, signal = new AbortController().signal) => ask(input, signal) };
};

describe("createBatcher", () => {
  it("joins what waits, up to the size, and gives each its own output", async () => {
    const { ask, batches } = batcher();
    expect(await Promise.all([1, 2, 3, 4].map((input) => ask(input)))).toEqual(["<1>", "<2>", "<3>", "<4>"]);
    expect(batches).toEqual([[1, 2, 3], [4]]);
  });

  it("keeps apart what does not belong together", async () => {
    const { ask, batches } = batcher({ belongTogether: (one, other) => one % 2 === other % 2 });
    await Promise.all([1, 2, 3, 4].map((input) => ask(input)));
    expect(batches).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  it("runs no more batches at the same time than it may", async () => {
    let running = 0;
    let most = 0;
    const run = async (inputs: readonly number[]) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      return inputs.map(String);
    };
    const { ask } = batcher({ maxRunning: 2, run });
    await Promise.all(Array.from({ length: 20 }, (_, input) => ask(input)));
    expect(most).toBe(2);
  });

  it("lets no request fail through another", async () => {
    const { ask, batches } = batcher();
    const outcomes = await Promise.allSettled([1, 13, 2].map((input) => ask(input)));
    expect(outcomes.map((one) => (one.status === "fulfilled" ? one.value : String(one.reason)))).toEqual([
      "<1>",
      "Error: 13",
      "<2>",
    ]);
    expect(batches).toEqual([[1, 13, 2], [1], [13], [2]]);
  });

  it("lets go of who aborts and stops a batch when nobody waits for it", async () => {
    let stopped: unknown;
    const run = (_: readonly number[], signal: AbortSignal) =>
      new Promise<string[]>((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          stopped = signal.reason;
          reject(signal.reason);
        });
      });
    const { ask, batches } = batcher({ run });
    const [one, two] = [new AbortController(), new AbortController()];
    const first = ask(1, one.signal);
    const second = ask(2, two.signal);
    setTimeout(() => one.abort(new Error("one")), 5);
    await expect(first).rejects.toThrow("one");
    expect(stopped).toBeUndefined();
    two.abort(new Error("two"));
    await expect(second).rejects.toThrow("two");
    expect(stopped).toEqual(new Error("two"));
    await expect(ask(3, one.signal)).rejects.toThrow("one");
    expect(batches).toEqual([[1, 2]]);
  });
});
