import { join } from "node:path";

/*
 * How keys become names. Keys tell upper from lower case and many file systems do not, so a capital is written as
 * `+` and its small letter. `a` and `a/b` may both be blobs, so the name of a folder ends with `+`. Both are no
 * characters of keys. What belongs to no key begins with `~`.
 */

/** Folder for puts under way; no key leads there. */
export const incomingFolder = "~incoming";

/** Where the blob of a key is, below the root. */
export function pathOfKey(root: string, key: string): string {
  const segments = key.split("/").map((segment) => segment.replace(/[A-Z]/g, (c) => `+${c.toLowerCase()}`));
  const name = segments.pop() as string;
  return join(root, ...segments.map((segment) => `${segment}+`), name);
}

/** What a file or folder of ours is called in keys: a folder ends with `/`. Undefined: it is none of ours. */
export function segmentOfName(name: string, isFolder: boolean): string | undefined {
  if (isFolder !== name.endsWith("+")) return undefined;
  const plain = (isFolder ? name.slice(0, -1) : name).replace(/\+([a-z])/g, (_, c: string) =>
    c.toUpperCase(),
  );
  if (!/^[A-Za-z0-9._-]+$/.test(plain)) return undefined;
  return isFolder ? `${plain}/` : plain;
}
