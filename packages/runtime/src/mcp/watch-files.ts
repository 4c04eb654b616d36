import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

const usualQuietMs = 200;

/**
 * Tells that one of some files may have changed, come or gone, once nothing has changed for a moment. Their folders are
 * watched, since editors put another file in the place of the one that was there. A folder that does not exist is not.
 */
export function watchFiles(
  files: readonly string[],
  onAny: () => void,
  quietMs: number = usualQuietMs,
): () => void {
  const byFolder = new Map<string, Set<string>>();
  for (const file of files)
    byFolder.set(dirname(file), (byFolder.get(dirname(file)) ?? new Set()).add(basename(file)));
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onAny, quietMs);
    timer.unref();
  };
  const watchers = [...byFolder].flatMap(([folder, names]): FSWatcher[] => {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || names.has(name)) soon();
      });
      watcher.on("error", () => watcher.close());
      return [watcher];
    } catch {
      return [];
    }
  });
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
