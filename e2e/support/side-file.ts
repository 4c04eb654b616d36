import { existsSync, readFileSync } from "node:fs";

/** The whole lines of a side file that agents write to, each as its words, in the order of writing. */
export function readSideFile(path: string): string[][] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  // What stands behind the last line break is a line that is still being written.
  return lines.slice(0, -1).map((line) => line.split(" "));
}
