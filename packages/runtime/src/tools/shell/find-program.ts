import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

const usualFolders = ["/usr/local/bin", "/usr/bin", "/bin"];

/** The full path of a program, from PATH or from where systems keep theirs; null where there is none. */
export function findProgram(name: string, path: string | undefined): string | null {
  const folders = [...(path ?? "").split(delimiter), ...usualFolders].filter(isAbsolute);
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
