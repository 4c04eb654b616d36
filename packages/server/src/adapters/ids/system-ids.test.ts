import { validate, version } from "uuid";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createSystemIds } from "./system-ids.ts";

const isIncreasing = (ids: readonly string[]): boolean =>
  ids.every((id, index) => index === 0 || ids[index - 1]! < id);

describe("the system's ids", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("are UUIDs of version 7 with the time in front", () => {
    const before = Date.now();
    const id = createSystemIds().next();
    expect(validate(id)).toBe(true);
    expect(version(id)).toBe(7);
    expect(Number.parseInt(id.slice(0, 13).replace("-", ""), 16)).toBeGreaterThanOrEqual(before);
  });

  test("sort in the order of making, across instances and within one millisecond", () => {
    const [some, others] = [createSystemIds(), createSystemIds()];
    const made = Array.from({ length: 5_000 }, (_, index) => (index % 2 ? some : others).next());
    expect(isIncreasing(made)).toBe(true);
  });

  test("sort in the order of making when the wall clock is set back", () => {
    const ids = createSystemIds();
    const first = ids.next();
    vi.spyOn(Date, "now").mockReturnValue(Date.now() - 3_600_000);
    expect(isIncreasing([first, ids.next(), ids.next()])).toBe(true);
  });

  test("end in chance that does not come again", () => {
    const ids = createSystemIds();
    const tails = Array.from({ length: 5_000 }, () => ids.next().slice(-11));
    expect(new Set(tails).size).toBe(5_000);
  });

  test("secrets are 256 bits, URL-safe and never the same", () => {
    const ids = createSystemIds();
    const secrets = Array.from({ length: 1_000 }, () => ids.secret());
    expect(new Set(secrets).size).toBe(1_000);
    for (const secret of secrets) {
      expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(Buffer.from(secret, "base64url")).toHaveLength(32);
    }
  });

  test("a fingerprint is SHA-256 in hex", () => {
    // From FIPS 180-2, appendix B.1.
    expect(createSystemIds().fingerprint("abc")).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });
});
