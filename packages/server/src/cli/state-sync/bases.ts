import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Json } from "@muster/sdk/protocol";
import { hashOf, namesIn, privateFolder, writePrivate } from "./folder.ts";

/** What file and document were when they were last in step. */
export interface BaseVersion {
  path: string;
  version: number;
  content: Json;
}

const nameOf = (path: string): string => join("base", `${hashOf(path)}.json`);

export async function readBases(root: string): Promise<Map<string, BaseVersion>> {
  const bases = new Map<string, BaseVersion>();
  for (const name of await namesIn(join(root, privateFolder, "base"))) {
    const base = JSON.parse(await readFile(join(root, privateFolder, "base", name), "utf8")) as BaseVersion;
    bases.set(base.path, base);
  }
  return bases;
}

export const writeBase = (root: string, base: BaseVersion): Promise<void> =>
  writePrivate(root, nameOf(base.path), JSON.stringify(base));

export const forgetBase = (root: string, path: string): Promise<void> =>
  rm(join(root, privateFolder, nameOf(path)), { force: true });
