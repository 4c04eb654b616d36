import { once } from "node:events";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bytesOf, collect, cut, sha256Of } from "../../../test/contracts/blob-content.ts";
import { describeBlobStoreContract } from "../../../test/contracts/blob-store.ts";
import { forkSource } from "../../../test/processes/fork-source.ts";
import { pathOfKey } from "./blob-path.ts";
import { createFilesystemBlobs } from "./create-filesystem-blobs.ts";

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "muster-blobs-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const log = { info() {}, warn() {} };
const newFolder = () => mkdtemp(join(scratch, "store-"));
const incoming = (folder: string) => readdir(join(folder, "~incoming"));

describeBlobStoreContract("a folder", async () => {
  const folder = await newFolder();
  const store = await createFilesystemBlobs({ folder, log });
  return {
    store,
    leftovers: async () => (await incoming(folder)).length,
    async tamper(key, change) {
      const path = pathOfKey(folder, key);
      const file = await readFile(path);
      const { bytes } = (await store.head(key))!;
      await writeFile(path, Buffer.concat([change(file.subarray(0, bytes)), file.subarray(bytes)]));
    },
    drop: async () => {},
  };
});

async function filled(content: Buffer = Buffer.from("content")) {
  const folder = await newFolder();
  const store = await createFilesystemBlobs({ folder, log });
  await store.put("some/blob", cut(content));
  return { folder, store, path: pathOfKey(folder, "some/blob") };
}

/** Files below a folder that this process holds open. */
async function openFiles(folder: string): Promise<string[]> {
  const numbers = await readdir("/proc/self/fd");
  const paths = await Promise.all(
    numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => "")),
  );
  return paths.filter((path) => path.startsWith(folder));
}

describe("a folder of blobs", () => {
  test("tells keys apart that a file system may not: by capitals, and blobs from folders", async () => {
    const folder = await newFolder();
    const store = await createFilesystemBlobs({ folder, log });
    const keys = ["README", "ReadMe", "readme", "readme/x", "readme.x"];
    for (const key of keys) await store.put(key, cut(Buffer.from(key)));
    const names = (await readdir(folder)).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    for (const key of keys) expect((await collect((await store.get(key)).body)).toString()).toBe(key);
  });

  test("keeps what another process put, and shows it to one that opens the folder again", async () => {
    const { folder, store } = await filled();
    await store.close();
    const again = await createFilesystemBlobs({ folder, log });
    expect((await collect((await again.get("some/blob")).body)).toString()).toBe("content");
  });

  test.each([
    ["is cut", (file: Buffer) => file.subarray(0, -1)],
    ["is empty", () => Buffer.alloc(0)],
    ["is something else", () => Buffer.alloc(5_000, "x")],
    [
      "has its facts changed",
      (file: Buffer) => Buffer.from(file.toString("latin1").replace("octet", "OCTET"), "latin1"),
    ],
    [
      "claims more facts than it has",
      (file: Buffer) => Buffer.from([...file.subarray(0, -12), 255, 255, 255, 255, ...file.subarray(-8)]),
    ],
  ])("a file that %s is damaged, is listed, and can be deleted", async (_, change) => {
    const { store, path } = await filled();
    await writeFile(path, change(await readFile(path)));
    await expect(store.head("some/blob")).rejects.toMatchObject({ code: "content_damaged" });
    await expect(store.get("some/blob")).rejects.toMatchObject({ code: "content_damaged" });
    expect((await store.list("")).blobs).toMatchObject([{ key: "some/blob" }]);
    await store.delete("some/blob");
    expect(await store.head("some/blob")).toBeNull();
  });

  test("a blob that was moved to another name is damaged", async () => {
    const { folder, store, path } = await filled();
    await writeFile(join(folder, "other"), await readFile(path));
    await expect(store.head("other")).rejects.toMatchObject({ code: "content_damaged" });
  });

  test("a link is not followed: neither one in place of a blob nor one in place of a folder", async () => {
    const { folder, store, path } = await filled();
    const outside = join(await newFolder(), "outside");
    await mkdir(outside);
    const secret = join(outside, "blob");
    await writeFile(secret, await readFile(path));
    await symlink(secret, join(folder, "linked"));
    await symlink(outside, join(folder, "way+"));
    for (const key of ["linked", "way/blob"]) {
      expect(await store.head(key)).toBeNull();
      await expect(store.get(key)).rejects.toMatchObject({ code: "not_found" });
    }
    await store.delete("way/blob");
    await expect(store.put("way/new", cut(Buffer.from("x")))).rejects.toMatchObject({ code: "unavailable" });
    expect(await readdir(outside)).toEqual(["blob"]);
    expect((await store.list("")).blobs.map(({ key }) => key)).toEqual(["some/blob"]);
    await store.put("linked", cut(Buffer.from("mine")));
    expect((await readFile(secret)).includes("mine")).toBe(false);
    expect((await collect((await store.get("linked")).body)).toString()).toBe("mine");
  });

  test("files that are none of its own are neither listed nor removed", async () => {
    const { folder, store } = await filled();
    for (const name of ["with space", "~x", "+", "x+"]) await writeFile(join(folder, name), "");
    await mkdir(join(folder, "plain"));
    expect((await store.list("")).blobs.map(({ key }) => key)).toEqual(["some/blob"]);
    await store.delete("some/blob");
    expect((await readdir(folder)).sort()).toEqual(["+", "plain", "with space", "x+", "~incoming", "~x"]);
  });

  test("content that nobody reads holds no file once it is cancelled, left or read", async () => {
    const { folder, store } = await filled(bytesOf(1, 1_000_000));
    const { body } = await store.get("some/blob");
    expect(await openFiles(folder)).toHaveLength(1);
    await body.cancel();
    for await (const _ of (await store.get("some/blob")).body) break;
    await collect((await store.get("some/blob")).body);
    await store.head("some/blob");
    expect(await openFiles(folder)).toEqual([]);
  });

  test("a reader that was told to stop gets the reason", async () => {
    const { folder, store } = await filled(bytesOf(1, 1_000_000));
    const abort = new AbortController();
    const reason = new Error("Enough.");
    const { body } = await store.get("some/blob", { signal: abort.signal });
    const read = async () => {
      for await (const _ of body) abort.abort(reason);
    };
    await expect(read()).rejects.toBe(reason);
    expect(await openFiles(folder)).toEqual([]);
  });

  test("says what to do when the disk refuses", async () => {
    const { folder } = await filled();
    const file = join(folder, "file");
    await writeFile(file, "");
    await expect(createFilesystemBlobs({ folder: join(file, "below"), log })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(join(file, "below")),
      hint: expect.any(String),
    });
  });

  test("passes on what the body throws, also where it looks like an error of the disk", async () => {
    const { store } = await filled();
    const failure = Object.assign(new Error("no such file"), { code: "ENOENT" });
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("x");
      throw failure;
    }
    await expect(store.put("k", body())).rejects.toBe(failure);
  });
});

describe("what a dead put left behind", () => {
  test("is removed when it is old, and not before, now and when the folder is opened", async () => {
    const folder = await newFolder();
    const store = await createFilesystemBlobs({ folder, log, staleMs: 60_000 });
    const leave = async (name: string, ageMs: number) => {
      const path = join(folder, "~incoming", name);
      await writeFile(path, "half");
      const at = new Date(Date.now() - ageMs);
      await utimes(path, at, at);
    };
    await leave("old", 61_000);
    await leave("young", 30_000);
    expect(await store.sweep()).toBe(1);
    expect(await incoming(folder)).toEqual(["young"]);
    await leave("old", 61_000);
    const info = vi.fn();
    const again = await createFilesystemBlobs({ folder, log: { ...log, info }, staleMs: 60_000 });
    await again.close();
    expect(await incoming(folder)).toEqual(["young"]);
    expect(info.mock.calls).toMatchObject([[{ removed: 1 }, expect.any(String)]]);
  });

  test("a process that is killed loses nothing that it had acknowledged, and leaves no half blob", async () => {
    const folder = await newFolder();
    for (let round = 0; round < 3; round++) {
      const acknowledged = new Map<string, string>();
      const begun = new Map<string, Set<string>>();
      const child = forkSource("put-until-killed.ts", [folder, String(round)]);
      const enough = new Promise<void>((resolve) => {
        child.on("message", ({ key, sha256, done }: { key: string; sha256: string; done: boolean }) => {
          if (done) acknowledged.set(key, sha256);
          else begun.set(key, (begun.get(key) ?? new Set()).add(sha256));
          if (acknowledged.size === 3 && begun.size > 3) setTimeout(resolve, Math.random() * 100);
        });
      });
      await Promise.race([enough, once(child, "exit")]);
      child.kill("SIGKILL");
      await once(child, "exit");
      expect(acknowledged.size).toBeGreaterThanOrEqual(3);

      const store = await createFilesystemBlobs({ folder, log, staleMs: 0 });
      await store.sweep();
      expect(await incoming(folder)).toEqual([]);
      for (const [key, sha256] of acknowledged) {
        const { info, body } = await store.get(key);
        expect(sha256Of(await collect(body))).toBe(info.sha256);
        const possible = [...(begun.get(key) ?? [])];
        expect(possible.slice(possible.indexOf(sha256))).toContain(info.sha256);
      }
      for (const { key } of (await store.list("")).blobs) await collect((await store.get(key)).body);
      await store.close();
    }
  }, 60_000);
});
