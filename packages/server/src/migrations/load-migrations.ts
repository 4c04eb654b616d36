import { readdir, readFile } from "node:fs/promises";
import type { Migration } from "./migrate.ts";

/** The migrations of this program: the files `0001-name.sql`, … beside this one, in order. */
export async function loadMigrations(folder: URL = new URL("./", import.meta.url)): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort();
  return Promise.all(
    files.map(async (file) => {
      const [, number, name] = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file) ?? [];
      if (number === undefined || name === undefined)
        throw new Error(`The migration ${file} is not called like 0001-name.sql.`);
      return { number: Number(number), name, sql: await readFile(new URL(file, folder), "utf8") };
    }),
  );
}
