import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createInMemoryBlobs } from "../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Database } from "../ports/database.ts";
import { backUp, restore } from "../test/back-up.ts";
import { freshDatabase } from "../test/orchestrate.ts";
import { createArchives, newBackupId } from "./archives.ts";
import { unpackPart } from "./pack-part.ts";

const key = "0f".repeat(32);

async function* bytesOf(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

async function contentOf(blobs: BlobStore, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await blobs.get(name)).body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads an archive as a restore does before it touches anything. */
async function readAll(blobs: BlobStore, id: string, withKey?: string): Promise<void> {
  const archives = createArchives(blobs, withKey);
  const { manifest, seal } = await archives.open(id);
  for (const { parts } of manifest.tables)
    for (const part of parts)
      for await (const _ of unpackPart(id, part, await archives.part(id, part), seal));
}

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
  await database.execute(`
    insert into event (at, type, tenant, data)
    select n, 'bulk', 't', json_build_object('n', n, 'text', repeat(md5(n::text), 20)) from generate_series(1, 400) n`);
  return () => database.close();
});

describe.each([
  ["plain", undefined],
  ["encrypted with a key", key],
])("an archive that is %s", (_, withKey) => {
  const blobs = createInMemoryBlobs();
  let id = "";
  let names: string[] = [];
  beforeAll(async () => {
    id = await backUp(database, blobs, withKey === undefined ? {} : { key: withKey });
    names = (await blobs.list(`backups/${id}/`)).blobs.map((blob) => blob.key);
  });

  it("is refused when any byte is another one, or its end is missing", async () => {
    await readAll(blobs, id, withKey);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (n, at, flip, cut) => {
          const name = names[n % names.length] as string;
          const content = await contentOf(blobs, name);
          const changed = Buffer.from(content);
          const place = at % content.length;
          changed[place] = (changed[place] as number) ^ flip;
          await blobs.put(name, bytesOf(cut ? content.subarray(0, place) : changed));
          try {
            await expect(readAll(blobs, id, withKey)).rejects.toMatchObject({ code: "content_damaged" });
          } finally {
            await blobs.put(name, bytesOf(content));
          }
        },
      ),
      { numRuns: 120 },
    );
  });

  it("is refused when a part is missing or stands in for another", async () => {
    const parts = names.filter((name) => name.includes("/part-"));
    const [first] = parts as [string];
    const content = await contentOf(blobs, first);
    await blobs.delete(first);
    await expect(readAll(blobs, id, withKey)).rejects.toMatchObject({ code: "content_damaged" });
    const other = await backUp(database, blobs, withKey === undefined ? {} : { key: withKey });
    if (withKey !== undefined) {
      await blobs.put(first, bytesOf(await contentOf(blobs, `backups/${other}/part-000001`)));
      await expect(readAll(blobs, id, withKey)).rejects.toMatchObject({ code: "content_damaged" });
    }
    await blobs.put(first, bytesOf(content));
    await readAll(blobs, id, withKey);
  });
});

it("an encrypted archive says that the key is wrong or missing, and its rows can't be read without it", async () => {
  const blobs = createInMemoryBlobs();
  const id = await backUp(database, blobs, { key: "correct horse battery" });
  await expect(readAll(blobs, id)).rejects.toMatchObject({
    code: "forbidden",
    message: expect.stringContaining("no key"),
  });
  const wrong = { code: "forbidden", message: expect.stringContaining("another key") };
  await expect(readAll(blobs, id, "incorrect horse battery")).rejects.toMatchObject(wrong);
  await expect(readAll(blobs, id, key)).rejects.toMatchObject(wrong);
  await readAll(blobs, id, "correct horse battery");
  // The manifest can be listed all the same.
  expect(await createArchives(blobs).get(id)).toMatchObject({ encrypted: true });
});

it("an archive of a newer or another program is refused with the reason, and nothing is changed", async () => {
  const blobs = createInMemoryBlobs();
  const id = await backUp(database, blobs);
  const name = `backups/${id}/manifest.json`;
  const [body = ""] = (await contentOf(blobs, name)).toString().split("\n");
  const { createHash } = await import("node:crypto");
  const write = (change: (manifest: Record<string, unknown>) => object) => {
    const text = JSON.stringify(change(JSON.parse(body)));
    const sum = createHash("sha256").update(text).digest("hex");
    return blobs.put(name, bytesOf(Buffer.from(`${text}\nsha256 ${sum} mac none\n`)));
  };
  const target = await freshDatabase();
  const refused = async (code: string, message: string) => {
    await expect(restore(blobs, id, target)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(await target.query({ name: "held", text: "select seq from event" })).toEqual([]);
  };
  await write((manifest) => ({ ...manifest, formatVersion: 2 }));
  await refused("conflict", "newer version");
  await write((manifest) => ({
    ...manifest,
    migrations: [...(manifest.migrations as string[]), "99 ff", "100 ff"],
  }));
  await refused("conflict", "newer version");
  await write((manifest) => ({ ...manifest, format: "tar" }));
  await refused("conflict", "no backup of Muster");
  await write((manifest) => ({ ...manifest, id: "20260101-000000-00000000" }));
  await refused("content_damaged", "is backup 20260101");
  await target.close();
});

it("what was not finished is no backup, and is swept once it has not grown for an hour", async () => {
  const blobs = createInMemoryBlobs();
  const archives = createArchives(blobs);
  const id = await backUp(database, blobs);
  const half = newBackupId(0, randomUUID());
  await blobs.put(`backups/${half}/part-000001`, bytesOf(Buffer.from("half")));
  const { backups, unusable } = await archives.list();
  expect([backups.map((one) => one.id), unusable.map((one) => one.id)]).toEqual([[id], [half]]);
  expect(await archives.sweep(Date.now())).toBe(0);
  expect(await archives.sweep(Date.now() + 3_700_000)).toBe(1);
  expect((await archives.list()).unusable).toEqual([]);
  await expect(archives.open(half)).rejects.toMatchObject({ code: "not_found" });
});

it("a backup that is called off, or whose store of files fails, leaves nothing", async () => {
  const blobs = createInMemoryBlobs();
  const controller = new AbortController();
  const off = backUp(database, blobs, {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error("off")),
  });
  await expect(off).rejects.toThrow("off");
  const full = createInMemoryBlobs({ mostBytes: 2_000 });
  await expect(backUp(database, full)).rejects.toMatchObject({ code: "limit_exceeded" });
  for (const place of [blobs, full]) expect((await place.list("")).blobs).toEqual([]);
});
