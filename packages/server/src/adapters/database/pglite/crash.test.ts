import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forkSource } from "../../../test/processes/fork-source.ts";
import { createPgliteDatabase } from "./create-pglite-database.ts";

const ids = { name: "ids", text: "select id from row" };
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "muster-crash-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("A store whose process is killed", () => {
  it("opens again with everything that was acknowledged", async () => {
    const dataDir = join(root, "killed");
    const acknowledged: number[] = [];
    for (let round = 0; round < 3; round++) {
      const child = forkSource("write-until-killed.ts", [dataDir]);
      let rows = 0;
      const enough = new Promise<void>((resolve) =>
        child.on("message", (written: number[]) => {
          acknowledged.push(...written);
          rows += written.length;
          if (rows > 400 + round * 300) resolve();
        }),
      );
      await Promise.race([enough, once(child, "exit")]);
      child.kill("SIGKILL");
      await once(child, "exit");
      expect(rows).toBeGreaterThan(400);
      const database = await createPgliteDatabase({ dataDir });
      const kept = new Set((await database.query<{ id: number }>(ids)).map(({ id }) => id));
      expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
      await database.close();
    }
  }, 60_000);

  it("makes way for the next process, and is refused to others while it lives", async () => {
    const dataDir = join(root, "locked");
    const child = forkSource("write-until-killed.ts", [dataDir]);
    await once(child, "message");
    const refusal = { code: "storage_locked", message: expect.stringContaining(`${child.pid}`) };
    await expect(createPgliteDatabase({ dataDir })).rejects.toMatchObject(refusal);
    child.kill("SIGKILL");
    await once(child, "exit");
    await (await createPgliteDatabase({ dataDir })).close();
    expect((await readdir(dataDir)).sort()).toEqual([".gitignore", "db"]);
  });
});

describe("A folder that holds no usable store", () => {
  const refused = async (dataDir: string) => {
    const error = await createPgliteDatabase({ dataDir }).catch((caught) => caught);
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining(dataDir) });
    expect(error.hint).toBeTruthy();
    return error;
  };
  const filled = async (name: string) => {
    const dataDir = join(root, name);
    await (await createPgliteDatabase({ dataDir })).close();
    return dataDir;
  };

  it("is refused with its name when its control file is damaged, and its lock is given back", async () => {
    const dataDir = await filled("damaged");
    await writeFile(join(dataDir, "db", "global", "pg_control"), Buffer.alloc(8192, 7));
    await refused(dataDir);
    expect((await readdir(dataDir)).sort()).toEqual([".gitignore", "db"]);
  });

  it("is refused when it was written by another version of PostgreSQL", async () => {
    const dataDir = await filled("version");
    await writeFile(join(dataDir, "db", "PG_VERSION"), "12\n");
    await refused(dataDir);
  });

  it("is refused when its files are something else", async () => {
    const dataDir = join(root, "else");
    await mkdir(join(dataDir, "db"), { recursive: true });
    await writeFile(join(dataDir, "db", "holiday.jpg"), "");
    await refused(dataDir);
    expect(await readdir(join(dataDir, "db"))).toEqual(["holiday.jpg"]);
  });

  it("is refused when it is a file, or below one", async () => {
    const file = join(root, "file");
    await writeFile(file, "");
    await refused(file);
    await refused(join(file, "below"));
  });

  it("is made anew when a first start died half-way", async () => {
    const whole = await filled("whole");
    const dataDir = join(root, "half");
    await mkdir(dataDir);
    await cp(join(whole, "db", "base"), join(dataDir, "db.new", "base"), { recursive: true });
    await (await createPgliteDatabase({ dataDir })).close();
    expect((await readdir(dataDir)).sort()).toEqual([".gitignore", "db"]);
  });
});
