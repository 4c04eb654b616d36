import { afterAll, describe, expect, test } from "vitest";
import { createLocalEmbedder, hasLocalModel } from "./create-local-embedder.ts";

const embedder = createLocalEmbedder();
afterAll(() => embedder.close());

const cosine = (one: readonly number[] = [], other: readonly number[] = []): number =>
  one.reduce((sum, value, at) => sum + value * (other[at] as number), 0);

describe("the model that comes in a package", { timeout: 60_000 }, () => {
  test("is there, and puts what means something similar near each other", async () => {
    expect(hasLocalModel()).toBe(true);
    const [cat, kitten, tax] = await embedder.embed([
      "The cat sleeps on the sofa.",
      "A kitten naps on the COUCH.",
      "The tax return is due in May.",
    ]);
    expect([cat?.length, kitten?.length, tax?.length]).toEqual([512, 512, 512]);
    expect(Math.hypot(...(cat as number[]))).toBeCloseTo(1, 6);
    expect(cosine(cat, kitten)).toBeGreaterThan(cosine(cat, tax) + 0.2);
  });

  test("gives many callers at once what each asked for, whatever it is", async () => {
    const texts = ["one", "two words", "☃ \u0000 \ud800", "x".repeat(20_000), " "];
    const alone = await embedder.embed(texts);
    const together = await Promise.all(texts.map((text) => embedder.embed([text])));
    for (const [at, [vector]] of together.entries()) expect(cosine(vector, alone[at])).toBeCloseTo(1, 4);
    expect(await embedder.embed([])).toEqual([]);
  });

  test("is away when it owes an answer for too long, and starts again", async () => {
    const hasty = createLocalEmbedder(1);
    const refusal = { code: "unavailable", message: expect.stringContaining("did not answer") };
    await expect(hasty.embed(["late"])).rejects.toMatchObject(refusal);
    await expect(hasty.embed(["late again"])).rejects.toMatchObject(refusal);
    await hasty.close();
  });
});
