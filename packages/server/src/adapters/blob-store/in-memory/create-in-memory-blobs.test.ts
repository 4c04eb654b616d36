import { describe, expect, test } from "vitest";
import { bytesOf, cut } from "../../../test/contracts/blob-content.ts";
import { describeBlobStoreContract } from "../../../test/contracts/blob-store.ts";
import { createInMemoryBlobs } from "./create-in-memory-blobs.ts";

const make = async () => ({
  store: createInMemoryBlobs(),
  leftovers: async () => 0,
  drop: async () => {},
});
describeBlobStoreContract("memory", make, { canBeDamaged: false });

describe("memory that is full", () => {
  const full = { code: "limit_exceeded", hint: expect.stringContaining("S3_URL") };

  test("takes exactly as much as it may, and what was deleted or refused makes room again", async () => {
    const store = createInMemoryBlobs({ mostBytes: 1_000 });
    const put = (key: string, length: number) => store.put(key, cut(bytesOf(1, length), [100]));
    await put("a", 600);
    await expect(put("b", 401)).rejects.toMatchObject(full);
    await put("b", 400);
    await expect(put("c", 1)).rejects.toMatchObject(full);
    await store.delete("a");
    await expect(store.put("c", cut(bytesOf(1, 600)), { sha256: "0".repeat(64) })).rejects.toMatchObject({
      code: "checksum_mismatch",
    });
    await put("c", 600);
    expect((await store.list("")).blobs.map(({ key }) => key)).toEqual(["b", "c"]);
  });
});
