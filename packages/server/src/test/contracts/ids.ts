import { describe, expect, it } from "vitest";
import type { Ids } from "../../ports/ids.ts";

/** What every source of identity must do. */
export function describeIdsContract(name: string, makeIds: () => Ids): void {
  describe(`${name} as a source of identity`, () => {
    it("makes UUIDs of version 7 that differ and sort by their making", () => {
      const ids = makeIds();
      const made = Array.from({ length: 10_000 }, () => ids.next());
      for (const id of made)
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(new Set(made).size).toBe(made.length);
      expect([...made].sort()).toEqual(made);
    });

    it("makes secrets of 256 bits that can stand in a URL", () => {
      const ids = makeIds();
      const secrets = Array.from({ length: 100 }, () => ids.secret());
      for (const secret of secrets) expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(new Set(secrets).size).toBe(secrets.length);
    });

    it("keeps of a secret its SHA-256", () => {
      const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
      expect(makeIds().fingerprint("abc")).toBe(digest);
    });
  });
}
