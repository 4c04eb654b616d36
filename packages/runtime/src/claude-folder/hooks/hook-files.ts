import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { extname, isAbsolute, join, relative, sep } from "node:path";
import { splitCommand } from "../../tools/policy/split-command.ts";

/** A file of the project that a hook's command names as a program. */
export interface HookFile {
  /** From the project's folder, with `/`. */
  path: string;
  /** Where links lead. */
  real: string;
  bytes: Uint8Array;
  mode: number;
  sha256: string;
}

export interface HookFiles {
  files: readonly HookFile[];
  /** Why nobody can say which files count; null: all are known. Such a hook can't be approved. */
  obstacle: string | null;
}

const mostFiles = 20;
const mostFileBytes = 32 * 1024 * 1024;
const mostWords = 1_000;
const mostWordLength = 1_000;
const projectVariable = /\$\{CLAUDE_PROJECT_DIR(?::?[-=?+][^}]*)?\}|\$CLAUDE_PROJECT_DIR(?![A-Za-z0-9_])/g;
/** Endings of what is run, by itself or by a program that is told its name. */
const scriptEndings: ReadonlySet<string> = new Set(
  ".sh .bash .zsh .fish .py .pyc .js .mjs .cjs .ts .mts .cts .rb .pl .php .lua .ps1 .awk .jq .r .jar".split(
    " ",
  ),
);

/**
 * The files of the project that a command names as programs: words that are files, and begin a simple command, can be
 * executed, have the ending of a script, or lie in `.claude`. Names that a program makes up are not seen. Paths in the
 * command are relative to the project's folder, which is where hooks start.
 */
export async function readHookFiles(command: string, project: string): Promise<HookFiles> {
  const text = command.replaceAll(projectVariable, ".");
  const { commands } = splitCommand(text);
  const words = wordsOf(text, commands);
  const heads = new Set(commands.flatMap(headsOf));
  if (words.length > mostWords)
    return { files: [], obstacle: `its command has more than ${mostWords} words` };
  const root = await realpath(project).catch(() => project);
  const folders = [".", ...commands.flatMap(([head, to]) => (head === "cd" && to !== undefined ? [to] : []))];
  const found = new Map<string, HookFile>();
  for (const word of words) {
    for (const folder of folders) {
      const file = await readWord(
        root,
        project,
        isAbsolute(word) ? word : join(folder, word),
        heads.has(word),
      );
      if (file === undefined) continue;
      if (typeof file === "string") return { files: [], obstacle: file };
      found.set(file.path, file);
      if (found.size > mostFiles)
        return { files: [], obstacle: `its command names more than ${mostFiles} files` };
    }
  }
  const files = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, obstacle: null };
}

/** As a shell would split them, and as anybody would who does not know what a shell makes of them. */
function wordsOf(text: string, commands: readonly string[][]): string[] {
  const split = text.split(/[\s"'`;|&()<>={},:@]+/);
  return [...new Set([...commands.flat(), ...split])].filter(
    (word) => word !== "" && word.length <= mostWordLength && !word.includes("\0"),
  );
}

/** What begins a simple command, behind what may stand before it. */
function headsOf(words: readonly string[]): string[] {
  const at = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  return at === -1 ? [] : [words[at]!];
}

/** Undefined where a word is no file of the project that counts; a text where nobody can say. */
async function readWord(
  root: string,
  project: string,
  word: string,
  isHead: boolean,
): Promise<HookFile | string | undefined> {
  const real = await realpath(isAbsolute(word) ? word : join(root, word)).catch(() => undefined);
  if (real === undefined || !isWithin(root, real)) return undefined;
  // As it is written where that is in the project, so that a link that comes to lead elsewhere is a change.
  const base = isAbsolute(word) && isWithin(project, word) ? project : root;
  const written = relative(base, isAbsolute(word) ? word : join(root, word));
  const path = written.split(sep).join("/");
  try {
    const handle = await open(
      real,
      constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0),
    );
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) return undefined;
      const { size, mode } = stat;
      const counts =
        isHead ||
        (mode & 0o111) !== 0 ||
        scriptEndings.has(extname(path).toLowerCase()) ||
        path.split("/").includes(".claude");
      if (!counts) return undefined;
      if (size > mostFileBytes) return `${path} has more than ${mostFileBytes} bytes`;
      const bytes = new Uint8Array(size);
      const { bytesRead } = await handle.read(bytes, 0, size, 0);
      const content = bytes.subarray(0, bytesRead);
      const sha256 = createHash("sha256").update(content).digest("hex");
      return { path, real, bytes: content, mode: mode & 0o777, sha256 };
    } finally {
      await handle.close();
    }
  } catch {
    return `${path} can't be read`;
  }
}

const isWithin = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};
