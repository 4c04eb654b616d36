import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { segmentOfName } from "./blob-path.ts";
import { ifThere } from "./disk-error.ts";

interface Found {
  key: string;
  path: string;
}

/**
 * Every blob whose key begins with `prefix` and comes behind `after`, in the order of keys. Folders are named with
 * their slash, so the order within each folder is that of whole keys. Goes only into folders that can hold one.
 */
export async function* walkBlobs(
  root: string,
  { prefix, after }: { prefix: string; after: string },
  above = "",
): AsyncGenerator<Found> {
  const entries = (await ifThere(readdir(root, { withFileTypes: true }))) ?? [];
  const named = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => ({
      path: join(root, entry.name),
      isFolder: entry.isDirectory(),
      segment: segmentOfName(entry.name, entry.isDirectory()),
    }))
    .filter((entry) => entry.segment !== undefined)
    .map((entry) => ({ ...entry, key: `${above}${entry.segment}` }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { key, path, isFolder } of named) {
    if (isFolder) {
      const mayMatch = key.startsWith(prefix) || prefix.startsWith(key);
      const isBehind = key > after || after.startsWith(key);
      if (mayMatch && isBehind) yield* walkBlobs(path, { prefix, after }, key);
    } else if (key.startsWith(prefix) && key > after) yield { key, path };
  }
}
