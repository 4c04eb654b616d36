import { existsSync } from "node:fs";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { MusterError } from "@muster/sdk/protocol";
import { unpackArchive } from "./store-archive.ts";

/** Where the build puts it; the same path from the sources and from the compiled code. */
const templateFolder = new URL("../../../../dist/template/", import.meta.url);

/**
 * The template: a fresh store, packed at build time, since making one (initdb) takes seconds and much memory. It is
 * of one version of PGlite and found under its name, so that a stale one is never used.
 *
 * @public The build, which puts it there, asks for the path too.
 */
export async function templatePath(): Promise<string> {
  const require = createRequire(import.meta.url);
  const manifest = join(dirname(require.resolve("@electric-sql/pglite")), "..", "package.json");
  const { version } = JSON.parse(await readFile(manifest, "utf8")) as { version: string };
  return fileURLToPath(new URL(`store-${version}.tar.gz`, templateFolder));
}

/** The template as a tar archive; undefined where the build made none. */
export async function readTemplate(path?: string): Promise<Buffer | undefined> {
  const packed = await readFile(path ?? (await templatePath())).catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return packed && promisify(gunzip)(packed);
}

export interface PrepareOptions {
  onProgress(sentence: string): void;
  /** Makes a store from nothing, where there is no template. */
  initialize(folder: string): Promise<void>;
  /** Overrides the built template. */
  template?: string;
}

/**
 * Makes sure that `folder` holds a store. A new one is made under another name and renamed when it is whole, so
 * that a crash on the way leaves nothing that looks like a store. The caller holds the folder's lock.
 */
export async function prepareStore(folder: string, options: PrepareOptions): Promise<void> {
  const { onProgress, initialize, template } = options;
  if (existsSync(join(folder, "PG_VERSION"))) return onProgress("opening the store…");
  if (existsSync(folder) && (await readdir(folder)).length > 0)
    throw new MusterError("unavailable", `${folder} is not empty, but holds no store.`, {
      hint: "Move it away to start anew, or restore it from a backup.",
    });
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  const archive = await readTemplate(template);
  if (archive) {
    onProgress("creating the store (first start)…");
    await unpackArchive(archive, unfinished);
  } else {
    onProgress("creating the store without its template, which takes some seconds (first start)…");
    await initialize(unfinished);
  }
  await rename(unfinished, folder);
}
