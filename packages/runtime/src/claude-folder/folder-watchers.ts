import { type FSWatcher, watch } from "node:fs";
import { lstat, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { claudeBounds } from "./bounds.ts";

const kinds = ["agents", "skills", "commands"];
const settings = ["settings.json", "settings.local.json"];
const mostFolders = 2_000;

export interface FolderWatchers {
  /**
   * Follows the folders that there are now, and no others. Called before a folder is read: what changes afterwards is told
   * of, what changed before is seen by the reading, so that no change falls in between.
   */
  refresh(): Promise<void>;
  close(): void;
}

/**
 * Tells that something may have changed in the `.claude` folders of some roots. Folders are watched one by one and by
 * what they are, not by what they are called: one that is removed and made again is another one. The libraries for this
 * go by the times of files, and lose the second of two changes that come at once.
 */
export function createFolderWatchers(roots: readonly string[], onAny: () => void): FolderWatchers {
  const watchers = new Map<string, FSWatcher>();

  function follow(identity: string, folder: string, isWanted: (name: string | null) => boolean): void {
    if (watchers.has(identity) || watchers.size >= mostFolders) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (isWanted(name)) onAny();
      });
      // The folder went away, or the system has no more watchers; a change elsewhere brings the next look.
      watcher.on("error", () => {
        watcher.close();
        watchers.delete(identity);
        onAny();
      });
      watchers.set(identity, watcher);
    } catch {
      // It went away meanwhile.
    }
  }

  return {
    async refresh() {
      const there = new Set<string>();
      for (const named of roots) {
        // Whoever named the folder may have named a link.
        const root = await realpath(named).catch(() => named);
        for (const { folder, isWanted } of await foldersOf(root)) {
          const identity = await identityOf(folder);
          if (identity === undefined) continue;
          there.add(identity);
          follow(identity, folder, isWanted);
        }
      }
      for (const [identity, watcher] of watchers) {
        if (there.has(identity)) continue;
        watcher.close();
        watchers.delete(identity);
      }
    },
    close() {
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

interface Followed {
  folder: string;
  isWanted: (name: string | null) => boolean;
}

/** The root and `.claude`, for what comes to be in them, and everything below the folders of agents and texts. */
async function foldersOf(root: string): Promise<Followed[]> {
  const claude = join(root, ".claude");
  const found: Followed[] = [
    { folder: root, isWanted: (name) => name === null || name === ".claude" },
    { folder: claude, isWanted: (name) => name === null || kinds.includes(name) || settings.includes(name) },
  ];
  const open = kinds.map((kind) => ({ folder: join(claude, kind), depth: 0 }));
  for (let at = open.shift(); at !== undefined && found.length < mostFolders; at = open.shift()) {
    const { folder, depth } = at;
    found.push({ folder, isWanted: () => true });
    if (depth >= claudeBounds.depth) continue;
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory()) open.push({ folder: join(folder, entry.name), depth: depth + 1 });
  }
  return found;
}

/** Undefined where there is no folder, or a link in its place. */
async function identityOf(folder: string): Promise<string | undefined> {
  const stat = await lstat(folder).catch(() => undefined);
  return stat?.isDirectory() ? `${stat.dev}:${stat.ino}:${folder}` : undefined;
}
