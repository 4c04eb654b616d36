import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "./findings.ts";

/** Folders that are never committed, for machines without git. */
const skipped = new Set([".git", "node_modules", "dist", "coverage", ".muster"]);

/** The files that are, or are about to be, committed, relative to the root. */
export function sourceFiles(): string[] {
  const asked = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { status, stdout } = spawnSync("git", asked, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  const listed = status === 0 ? stdout.split("\0").filter((file) => file !== "") : walk("");
  return listed.filter((file) => statSync(join(root, file), { throwIfNoEntry: false })?.isFile()).sort();
}

function walk(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name) || entry.name.endsWith(".tsbuildinfo")) return [];
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? walk(path) : [path];
  });
}

export const readSource = (file: string): string => readFileSync(join(root, file), "utf8");

/** Programs in TypeScript or JavaScript. */
export const isProgram = (file: string): boolean => /\.[cm]?[jt]s$/.test(file) && !file.endsWith(".d.ts");
