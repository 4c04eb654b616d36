import { describe, expect, test } from "vitest";
import { bytesOf, collect, cut, sha256Of } from "./blob-content.ts";
import type { BlobStoreUnderTest } from "./blob-store-under-test.ts";

const megabyte = 1024 * 1024;

const changes: [string, (content: Buffer) => Buffer][] = [
  ["its first byte changed", (content) => flip(content, 0)],
  ["its last byte changed", (content) => flip(content, content.length - 1)],
  ["bytes missing", (content) => content.subarray(0, content.length - 3)],
  ["bytes too many", (content) => Buffer.concat([content, Buffer.from("more")])],
];

function flip(content: Buffer, at: number): Buffer {
  const changed = Buffer.from(content);
  changed[at] = (changed[at] as number) ^ 1;
  return changed;
}

/** What a store does about a disk or a server that changed what it was given. */
export function describeDamage(under: () => BlobStoreUnderTest): void {
  describe.each([100, 9 * megabyte])("a blob of %i bytes", (length) => {
    test.each(changes)("with %s is never given out whole", async (_, change) => {
      const { store, tamper } = under();
      const content = bytesOf(3, length);
      await store.put("damaged", cut(content));
      await tamper?.("damaged", change);
      let bytes = 0;
      let whole = length;
      const read = async () => {
        const { info, body } = await store.get("damaged");
        whole = info.bytes;
        for await (const chunk of body) bytes += chunk.length;
      };
      await expect(read()).rejects.toMatchObject({ code: "content_damaged", hint: expect.any(String) });
      expect(bytes).toBeLessThan(whole);

      expect((await store.list("")).blobs).toMatchObject([{ key: "damaged" }]);
      await store.put("damaged", cut(content));
      expect(sha256Of(await collect((await store.get("damaged")).body))).toBe(sha256Of(content));
    });
  });
}
