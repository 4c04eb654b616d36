import { lstat, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { ToolError } from "../tool-error.ts";

/** A path that a model named, as it lies in the workspace. Relative, with `/`, "" for the workspace itself. */
export interface ResolvedPath {
  /** As written, without `.` and `..`. */
  given: string;
  /** With every link followed. */
  real: string;
}

const mostPathChars = 4_096;

/**
 * Where a path leads, or a `ToolError` where that is not inside the workspace: by `..`, as an absolute path, or through
 * a link anywhere in it. A link that leads nowhere is refused, too: who writes through it makes a file elsewhere. The
 * files may change while this looks, so whoever opens the real path does not follow links again.
 */
export async function resolvePath(root: string, realRoot: string, path: string): Promise<ResolvedPath> {
  if (path.includes("\0") || path.length > mostPathChars) {
    throw new ToolError(`A path has up to ${mostPathChars} characters and no NUL.`);
  }
  const given = insideOf(root, resolve(root, path)) ?? insideOf(realRoot, resolve(realRoot, path));
  if (given === null) throw outside(path);
  const parts = given.split(sep).filter((part) => part !== "");
  let at = realRoot;
  for (const [index, part] of parts.entries()) {
    const next = join(at, part);
    const kind = await kindOf(next);
    if (kind === "missing") {
      at = join(at, ...parts.slice(index));
      break;
    }
    at = kind === "link" ? await follow(next, path) : next;
    if (insideOf(realRoot, at) === null) throw outside(path);
  }
  return { given: parts.join("/"), real: relative(realRoot, at).split(sep).join("/") };
}

/** The part of a path below a root; null where it is not below. */
function insideOf(root: string, path: string): string | null {
  const below = relative(root, path);
  return below === ".." || below.startsWith(`..${sep}`) || isAbsolute(below) ? null : below;
}

async function kindOf(path: string): Promise<"missing" | "link" | "other"> {
  try {
    return (await lstat(path)).isSymbolicLink() ? "link" : "other";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "missing";
    throw new ToolError(
      code === "ENOTDIR" ? "A part of the path is a file." : `The path can't be read: ${code}.`,
    );
  }
}

async function follow(link: string, path: string): Promise<string> {
  try {
    return await realpath(link);
  } catch {
    throw new ToolError(`${path} goes through a symbolic link that leads nowhere.`);
  }
}

const outside = (path: string): ToolError =>
  new ToolError(
    `${path} is outside the workspace. Only files in the workspace can be used: name them relative to it.`,
  );
