import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BlobStore } from "../../ports/blob-store.ts";
import { anyKey, bytesOf, collect, cut, sha256Of } from "./blob-content.ts";
import { describeRefusals } from "./blob-refusals.ts";
import { describeDamage } from "./blob-store-damage.ts";
import type { BlobStoreUnderTest } from "./blob-store-under-test.ts";
import { describeBrokenPuts } from "./broken-puts.ts";

export interface BlobStoreContractOptions {
  /** Runs of each property. */
  runs?: number;
  /** Whether what is stored can be changed behind its back; true by default. */
  canBeDamaged?: boolean;
}

/** Where a store may change the way in which it keeps a blob. */
const megabyte = 1024 * 1024;
const sizes = [
  0,
  1,
  5 * megabyte,
  8 * megabyte - 1,
  8 * megabyte,
  8 * megabyte + 1,
  16 * megabyte,
  20 * megabyte,
];

async function emptyStore(store: BlobStore): Promise<void> {
  const { blobs } = await store.list("");
  for (const { key } of blobs) await store.delete(key);
}

/** What every blob store must do. `make` gives one with nothing in it. */
export function describeBlobStoreContract(
  name: string,
  make: () => Promise<BlobStoreUnderTest>,
  { runs = 50, canBeDamaged = true }: BlobStoreContractOptions = {},
): void {
  describe(`${name} as a blob store`, () => {
    let made: BlobStoreUnderTest;
    let store: BlobStore;
    beforeAll(async () => {
      made = await make();
      store = made.store;
    });
    beforeEach(() => emptyStore(store));
    afterAll(async () => {
      await store.close();
      await made.drop();
    });
    const under = () => made;

    describeContent(under, runs);
    describeReplacing(under);
    describeListing(under, runs);
    describeRefusals(under);
    describeBrokenPuts(under);
    if (canBeDamaged) describeDamage(under);
  });
}

function describeContent(under: () => BlobStoreUnderTest, runs: number): void {
  test.each(sizes)("%i bytes come out as they went in, and so does what is known of them", async (length) => {
    const { store } = under();
    const content = bytesOf(length, length);
    const before = Math.floor(Date.now() / 1_000) * 1_000;
    const put = await store.put("some/file.bin", cut(content), { contentType: "text/x-test; charset=utf-8" });
    const known = {
      key: "some/file.bin",
      bytes: length,
      sha256: sha256Of(content),
      contentType: "text/x-test; charset=utf-8",
    };
    expect(put).toMatchObject(known);
    const got = await store.get("some/file.bin");
    expect(got.info).toMatchObject(known);
    expect(sha256Of(await collect(got.body))).toBe(known.sha256);
    const head = await store.head("some/file.bin");
    expect(head).toEqual(got.info);
    expect(Math.abs((head?.storedAt ?? 0) - before)).toBeLessThan(60_000);
  });

  test("any content in any chunks, under any key", async () => {
    const { store } = under();
    await fc.assert(
      fc.asyncProperty(
        anyKey,
        fc.uint8Array({ maxLength: 3_000 }),
        fc.array(fc.nat(500), { minLength: 1, maxLength: 5 }),
        async (key, content, lengths) => {
          const sha256 = sha256Of(content);
          expect(await store.put(key, cut(content, lengths))).toMatchObject({ key, sha256 });
          expect(await collect((await store.get(key)).body)).toEqual(Buffer.from(content));
        },
      ),
      { numRuns: runs },
    );
  });

  test("what was put is not changed by who owns the chunks", async () => {
    const { store } = under();
    const chunk = Buffer.from("first");
    async function* reused() {
      yield chunk;
      chunk.write("again");
      yield chunk;
      chunk.fill(0);
    }
    await store.put("reused", reused());
    expect((await collect((await store.get("reused")).body)).toString()).toBe("firstagain");
  });

  test("any part of it", async () => {
    const { store } = under();
    const content = bytesOf(7, 1_000);
    await store.put("ranged", cut(content));
    await fc.assert(
      fc.asyncProperty(fc.nat(1_100), fc.nat(1_100), async (start, length) => {
        const range = { start, end: start + length };
        const { info, body } = await store.get("ranged", { range });
        expect(info.bytes).toBe(1_000);
        expect(await collect(body)).toEqual(content.subarray(start, start + length + 1));
      }),
      { numRuns: runs },
    );
  });

  test("the content type is that of unknown bytes where nobody says", async () => {
    const { store } = under();
    expect(await store.put("untyped", cut(Buffer.from("x")))).toMatchObject({
      contentType: "application/octet-stream",
    });
    expect(await store.head("untyped")).toMatchObject({ contentType: "application/octet-stream" });
  });

  test("a store that works says so, and leaves nothing behind", async () => {
    await under().store.check();
    expect(await under().leftovers()).toBe(0);
  });
}

function describeReplacing(under: () => BlobStoreUnderTest): void {
  const [older, newer] = [bytesOf(1, 12 * megabyte), bytesOf(2, 9 * megabyte)];

  test("a reader goes on with what it began to read when the blob is replaced or deleted", async () => {
    const { store } = under();
    await store.put("shared", cut(older));
    const first = (await store.get("shared")).body[Symbol.asyncIterator]();
    const chunks = [(await first.next()).value as Uint8Array];
    await store.put("shared", cut(newer));
    const second = await store.get("shared");
    for (let next = await first.next(); next.done !== true; next = await first.next())
      chunks.push(next.value);
    expect(sha256Of(Buffer.concat(chunks))).toBe(sha256Of(older));
    expect(sha256Of(await collect(second.body))).toBe(sha256Of(newer));
    expect(await store.head("shared")).toMatchObject({ sha256: sha256Of(newer), bytes: newer.length });
  });

  test("of those who put one key at once, one wins, whole", async () => {
    const { store } = under();
    const contents = [100, 9 * megabyte, 8 * megabyte, 200].map((length, index) =>
      bytesOf(index + 10, length),
    );
    const puts = await Promise.all(
      contents.map((content, index) => store.put("raced", cut(content), { contentType: `text/${index}` })),
    );
    const { info, body } = await store.get("raced");
    const winner = puts.findIndex((put) => put.sha256 === info.sha256);
    expect(info).toMatchObject({ contentType: `text/${winner}`, bytes: contents[winner]?.length });
    expect(sha256Of(await collect(body))).toBe(info.sha256);
  });

  test("puts and deletes beside each other do not lose each other's blobs", async () => {
    const { store } = under();
    const rounds = Array.from({ length: 15 }, (_, index) => index);
    const put = async (key: string) => {
      await store.put(key, cut(Buffer.from(key)));
      expect((await collect((await store.get(key)).body)).toString()).toBe(key);
      await store.delete(key);
    };
    await Promise.all(rounds.map((round) => put(`deep/er/${round % 3}/${round}`)));
    expect(await store.list("")).toEqual({ blobs: [], next: null });
  });

  test("deleting makes it gone, and twice is fine", async () => {
    const { store } = under();
    await store.put("gone", cut(Buffer.from("x")));
    await store.put("gone/not", cut(Buffer.from("y")));
    for (const _ of [1, 2]) {
      await store.delete("gone");
      expect(await store.head("gone")).toBeNull();
      await expect(store.get("gone")).rejects.toMatchObject({ code: "not_found" });
    }
    expect((await collect((await store.get("gone/not")).body)).toString()).toBe("y");
    await store.delete("never/was");
  });
}

function describeListing(under: () => BlobStoreUnderTest, runs: number): void {
  test("any keys, by any prefix, in pages of any size, in the order of code units", async () => {
    const { store } = under();
    const ended = { numRuns: Math.ceil(runs / 5) };
    const keys = fc.uniqueArray(anyKey, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(keys, fc.nat(), fc.integer({ min: 1, max: 13 }), async (all, seed, limit) => {
        await emptyStore(store);
        await Promise.all(all.map((key) => store.put(key, cut(Buffer.from(key)))));
        const some = all[seed % all.length] as string;
        for (const prefix of ["", "zz", some.slice(0, seed % (some.length + 1))]) {
          const listed: string[] = [];
          let after: string | null = "";
          for (let pages = 0; after !== null && pages < 20; pages++) {
            const page = await store.list(prefix, { after, limit });
            expect(page.blobs.length).toBeLessThanOrEqual(limit);
            for (const { key, bytes } of page.blobs) expect(bytes).toBe(key.length);
            listed.push(...page.blobs.map(({ key }) => key));
            after = page.next;
          }
          expect(after).toBeNull();
          expect(listed).toEqual(all.filter((key) => key.startsWith(prefix)).sort());
        }
      }),
      ended,
    );
  });

  test("a listing tells the size and time that the blob has, of small ones and large ones", async () => {
    const { store } = under();
    await store.put("large", cut(bytesOf(1, 9 * megabyte)));
    await store.put("small", cut(Buffer.from("x")));
    const { blobs } = await store.list("");
    for (const blob of blobs) {
      const { key, bytes, storedAt } = (await store.head(blob.key))!;
      expect(blob).toEqual({ key, bytes, storedAt });
    }
    expect(blobs).toHaveLength(2);
  });

  test("listing begins behind a key that is not there, too", async () => {
    const { store } = under();
    for (const key of ["a", "a/x", "b", "c"]) await store.put(key, cut(Buffer.from("x")));
    const after = async (key: string) => (await store.list("", { after: key })).blobs.map((blob) => blob.key);
    expect(await after("a/")).toEqual(["a/x", "b", "c"]);
    expect(await after("aa")).toEqual(["b", "c"]);
    expect(await after("c")).toEqual([]);
  });
}
