import { expect, test } from "vitest";
import { cut } from "./blob-content.ts";
import type { BlobStoreUnderTest } from "./blob-store-under-test.ts";

/** Keys, prefixes and content types that no store takes. */
export function describeRefusals(under: () => BlobStoreUnderTest): void {
  const bad = [
    ...[
      "",
      "/",
      "/a",
      "a/",
      "a//b",
      ".",
      "..",
      "../a",
      "a/../b",
      "a/./b",
      "a/..",
      "~incoming",
      "~incoming/a",
    ],
    ...["a b", "a\u0000b", "a\\b", "a\nb", "ä", "a%2Fb", "+a", "a+/b", "C:", "\ud800", "a?b", "a#b", "*"],
    ...["x".repeat(121), `a/${"x".repeat(121)}`, `${"x/".repeat(350)}x`],
  ];
  test.each(bad)("the key %j is refused by everything", async (key) => {
    const { store } = under();
    const refused = { code: "invalid_request" };
    await expect(store.put(key, cut(Buffer.from("x")))).rejects.toMatchObject(refused);
    await expect(store.get(key)).rejects.toMatchObject(refused);
    await expect(store.head(key)).rejects.toMatchObject(refused);
    await expect(store.delete(key)).rejects.toMatchObject(refused);
    expect(await store.list("")).toEqual({ blobs: [], next: null });
  });

  test("the longest key is not", async () => {
    const { store } = under();
    const key = `${"L".repeat(120)}/`.repeat(5) + "L".repeat(95);
    expect(key).toHaveLength(700);
    await store.put(key, cut(Buffer.from("x")));
    expect((await store.list("LLL")).blobs.map((blob) => blob.key)).toEqual([key]);
    await store.delete(key);
  });

  test("what is no prefix, no page and no content type is refused", async () => {
    const { store } = under();
    const refused = { code: "invalid_request" };
    for (const prefix of ["~", "a b", "\u0000", "x".repeat(701)])
      await expect(store.list(prefix)).rejects.toMatchObject(refused);
    for (const limit of [0, 1_001, -1, 1.5, Number.NaN])
      await expect(store.list("", { limit })).rejects.toMatchObject(refused);
    for (const contentType of ["", "a\r\nx-evil: 1", "ä", "x".repeat(256)])
      await expect(store.put("k", cut(Buffer.from("x")), { contentType })).rejects.toMatchObject(refused);
    expect(await store.head("k")).toBeNull();
  });
}
