import { validate, version } from "uuid";
import { describe, expect, test } from "vitest";
import { createSeededIds } from "./seeded-ids.ts";
import { createSeededRandom } from "./seeded-random.ts";

const start = Date.UTC(2026, 0, 1);

function makeIds(seed = 1) {
  const time = { ms: start };
  return { time, ids: createSeededIds({ now: () => time.ms }, createSeededRandom(seed)) };
}

describe("seeded ids", () => {
  test("are valid UUIDs of version 7 with the simulated time in front", () => {
    const id = makeIds().ids.next();
    expect(validate(id)).toBe(true);
    expect(version(id)).toBe(7);
    expect(Number.parseInt(id.slice(0, 13).replace("-", ""), 16)).toBe(start);
  });

  test("increase strictly, also while time stands, has a fraction, or runs back", () => {
    const { time, ids } = makeIds();
    const made = Array.from({ length: 20_000 }, (_, index) => {
      time.ms += index % 1_000 === 0 ? 0.4 : 0;
      if (index === 10_000) time.ms -= 5;
      return ids.next();
    });
    expect(made.every((id, index) => index === 0 || made[index - 1]! < id)).toBe(true);
    expect(made.every((id) => validate(id))).toBe(true);
  });

  test("are the same for the same seed and others for another", () => {
    const draw = (seed: number) => {
      const { ids } = makeIds(seed);
      return [ids.next(), ids.secret(), ids.next()];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)[0]).not.toBe(draw(2)[0]);
    expect(draw(1)[1]).not.toBe(draw(2)[1]);
  });

  test("come with secrets and fingerprints like real ones", () => {
    const { ids } = makeIds();
    const secret = ids.secret();
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(ids.secret()).not.toBe(secret);
    expect(ids.fingerprint(secret)).toMatch(/^[0-9a-f]{64}$/);
  });
});
