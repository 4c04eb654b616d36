import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packFolder, readArchive, unpackArchive } from "./store-archive.ts";
import { prepareStore } from "./store-template.ts";

let work: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "muster-template-test-"));
});
afterEach(() => rm(work, { recursive: true, force: true }));

async function exampleFolder(): Promise<string> {
  const folder = join(work, "example");
  await mkdir(join(folder, "base", "empty"), { recursive: true });
  await writeFile(join(folder, "PG_VERSION"), "18\n");
  await writeFile(join(folder, "base", "1"), Buffer.from([...Array(1025).keys()].map((n) => n % 256)));
  await writeFile(join(folder, "base", "none"), "");
  return folder;
}

describe("An archive of a store", () => {
  it("brings back every file and folder, and is the same for the same files", async () => {
    const folder = await exampleFolder();
    const archive = await packFolder(folder);
    await unpackArchive(archive, join(work, "copy"));
    expect(await packFolder(join(work, "copy"))).toEqual(archive);
    expect(await readFile(join(work, "copy", "base", "1"))).toEqual(
      await readFile(join(folder, "base", "1")),
    );
    expect(existsSync(join(work, "copy", "base", "empty"))).toBe(true);
  });

  it("is refused when it is cut off or leads out of its folder", async () => {
    const archive = await packFolder(await exampleFolder());
    for (let length = 0; length < archive.length - 1_024; length += 256)
      expect(() => [...readArchive(archive.subarray(0, length))]).toThrow("damaged");
    const outside = Buffer.from(archive);
    outside.write("../../x\0", 0);
    expect(() => [...readArchive(outside)]).toThrow("damaged");
  });
});

describe("A first start", () => {
  const said: string[] = [];
  const prepare = (template: string, initialize: (folder: string) => Promise<void>) =>
    prepareStore(join(work, "db"), { onProgress: (sentence) => said.push(sentence), initialize, template });
  const never = async () => {
    throw new Error("not needed");
  };

  it("unpacks the template", async () => {
    const template = join(work, "template.tar.gz");
    await writeFile(template, gzipSync(await packFolder(await exampleFolder())));
    await prepare(template, never);
    expect((await readdir(join(work, "db"))).sort()).toEqual(["PG_VERSION", "base"]);
    expect(existsSync(join(work, "db.new"))).toBe(false);
  });

  it("does without one, and says that it takes longer", async () => {
    await prepare(join(work, "none"), async (folder) => {
      await mkdir(folder);
      await writeFile(join(folder, "PG_VERSION"), "18\n");
    });
    expect(said.at(-1)).toContain("without its template");
    expect(await readdir(join(work, "db"))).toEqual(["PG_VERSION"]);
  });

  it("leaves nothing that looks like a store when it fails", async () => {
    await writeFile(join(work, "bad"), "not gzip");
    await expect(prepare(join(work, "bad"), never)).rejects.toThrow();
    await expect(prepare(join(work, "none"), never)).rejects.toThrow("not needed");
    expect(existsSync(join(work, "db"))).toBe(false);
  });
});
