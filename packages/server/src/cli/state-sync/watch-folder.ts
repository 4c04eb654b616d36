import { basename } from "node:path";
import { privateFolder } from "./folder.ts";

/** Calls `onChange` when a JSON file of the folder may have changed. The watcher is loaded only where it is wanted. */
export async function watchFolder(root: string, onChange: () => void): Promise<() => Promise<void>> {
  const { watch } = await import("chokidar");
  const watcher = watch(root, {
    ignored: (path) => basename(path) === privateFolder,
    ignoreInitial: true,
    followSymlinks: false,
    persistent: true,
  });
  watcher.on("all", (_, path) => {
    if (path.endsWith(".json")) onChange();
  });
  // A folder that can't be watched any more is still looked at when the server has news.
  watcher.on("error", () => undefined);
  await new Promise<void>((resolve) => watcher.once("ready", resolve));
  return () => watcher.close();
}
