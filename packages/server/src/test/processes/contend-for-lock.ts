// One of several processes that want the same folder: takes and gives back the lock when told.
import { MusterError } from "@muster/sdk/protocol";
import { takeFolderLock } from "../../adapters/database/pglite/folder-lock.ts";

const [dataDir = ""] = process.argv.slice(2);
const tell = (message: string) => process.send?.(message);
let release: (() => Promise<void>) | undefined;

process.on("message", async (order) => {
  if (order === "release") {
    await release?.();
    release = undefined;
    tell("released");
    return;
  }
  try {
    release = await takeFolderLock(dataDir);
    tell("taken");
  } catch (error) {
    tell(error instanceof MusterError ? error.code : String(error));
  }
});
tell("ready");
