// Packs a fresh PGlite store into packages/server/dist/template, so that no first start waits for initdb. Runs at the
// end of the build on its output; does nothing where the template of this PGlite version is there already.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const server = new URL("../packages/server/", import.meta.url);
const adapter = new URL("dist/adapters/database/pglite/", server);
const { templatePath } = await import(new URL("store-template.js", adapter).href);
const { packFolder } = await import(new URL("store-archive.js", adapter).href);

const target = await templatePath();
if (!existsSync(target)) await build();

async function build() {
  const { resolve } = createRequire(new URL("package.json", server));
  const { PGlite } = await import(pathToFileURL(resolve("@electric-sql/pglite")).href);
  const work = await mkdtemp(join(tmpdir(), "muster-template-"));
  try {
    const store = join(work, "store");
    const db = await PGlite.create(store);
    // Nobody makes databases from these two, and unlike the one we use they would never be vacuumed.
    for (const name of ["template0", "template1"]) {
      await db.exec(`update pg_database set datistemplate = false where datname = '${name}'`);
      await db.exec(`drop database ${name}`);
    }
    await db.exec("vacuum (freeze, analyze)");
    await db.exec("checkpoint");
    await db.close();
    await rm(join(store, "postmaster.pid"), { force: true });
    await publish(gzipSync(await packFolder(store), { level: 9 }));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Puts it in place whole, and takes those of other versions away. */
async function publish(packed) {
  const folder = dirname(target);
  await mkdir(folder, { recursive: true });
  for (const old of await readdir(folder)) await rm(join(folder, old));
  await writeFile(`${target}.new`, packed);
  await rename(`${target}.new`, target);
}
