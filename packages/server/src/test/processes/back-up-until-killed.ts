// Writes or restores a backup and says how far it is, until it is killed.
import { join } from "node:path";
import { createFilesystemBlobs } from "../../adapters/blob-store/filesystem/create-filesystem-blobs.ts";
import { createPgliteDatabase } from "../../adapters/database/pglite/create-pglite-database.ts";
import { restoreStore } from "../../compose/restore-store.ts";
import { backUp } from "../back-up.ts";

const [what, dataDir = "", id = "", to = ""] = process.argv.slice(2);
const onProgress = (sentence: string): void => void process.send?.(sentence);
if (what === "restore") await restoreStore({ from: dataDir, id, to, onProgress });
else {
  const blobs = await createFilesystemBlobs({
    folder: join(dataDir, "blobs"),
    log: { info() {}, warn() {} },
  });
  await backUp(await createPgliteDatabase({ dataDir }), blobs, { onProgress });
}
process.send?.("it was not killed in time");
