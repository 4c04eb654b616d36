import { expect, it } from "vitest";
import { createInMemoryBlobs } from "../../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import { cut } from "../../test/contracts/blob-content.ts";
import { createExpireArtifacts } from "./expire-artifacts.ts";

const dayMs = 24 * 3_600_000;
const put = (blobs: ReturnType<typeof createInMemoryBlobs>, key: string) =>
  blobs.put(key, cut(Buffer.from("x")));
const keysOf = async (blobs: ReturnType<typeof createInMemoryBlobs>) =>
  (await blobs.list("")).blobs.map(({ key }) => key);

it("artifacts that are older than they may be are deleted, and nothing else", async () => {
  const blobs = createInMemoryBlobs();
  for (const key of ["artifacts/acme/a", "artifacts/other/b/c", "backups/d"]) await put(blobs, key);
  const expire = createExpireArtifacts(blobs, dayMs);
  expect(await expire(Date.now())).toBe(0);
  expect(await expire(Date.now() + dayMs + 2_000)).toBe(2);
  expect(await keysOf(blobs)).toEqual(["backups/d"]);
});

it("one that was put anew since it was listed stays", async () => {
  const blobs = createInMemoryBlobs();
  await put(blobs, "artifacts/acme/a");
  const old = { key: "artifacts/acme/a", bytes: 1, storedAt: 0 };
  const stale = { ...blobs, list: async () => ({ blobs: [old], next: null }) };
  expect(await createExpireArtifacts(stale, dayMs)(Date.now())).toBe(0);
  expect(await keysOf(blobs)).toEqual(["artifacts/acme/a"]);
});

it("more than fit into one go are deleted by the next ones", async () => {
  const blobs = createInMemoryBlobs();
  for (let at = 0; at < 1_010; at++) await put(blobs, `artifacts/acme/${at}`);
  const expire = createExpireArtifacts(blobs, dayMs);
  const later = Date.now() + dayMs + 2_000;
  expect([await expire(later), await expire(later), await expire(later)]).toEqual([1_000, 10, 0]);
});

it("all are kept where no age is set", async () => {
  const blobs = createInMemoryBlobs();
  await put(blobs, "artifacts/acme/a");
  expect(await createExpireArtifacts(blobs, 0)(Date.now() * 2)).toBe(0);
});
