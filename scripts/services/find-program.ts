import { accessSync, constants, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where packages put programs that an ordinary user's PATH leaves out. */
const systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The full path of a program: from `folders` first, then from PATH, then from where the system keeps its own. */
export function findProgram(name: string, folders: readonly string[] = []): string | null {
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const places = [...folders, ...path, ...systemFolders].map((folder) => join(folder, name));
  return places.find(isProgram) ?? null;
}

/** The folders below `parent`, the highest number first: `15` before `9.6`. */
export function numberedFolders(parent: string): string[] {
  try {
    return readdirSync(parent)
      .sort((a, b) => Number.parseFloat(b) - Number.parseFloat(a))
      .map((name) => join(parent, name));
  } catch {
    return [];
  }
}
