import Type from "typebox";
import { defineTool } from "../define-tool.ts";
import { globMatcher } from "../match-glob.ts";
import { openWorkspace } from "../workspace/open-workspace.ts";
import { fileSubject } from "./file-subject.ts";

/** Paths that one answer names. */
const shownFiles = 200;
/** Matches that are looked at to find the newest. */
const mostMatches = 20_000;
/** Folders that others wrote; who wants to look into one names it as the path. */
export const foreignFolders: ReadonlySet<string> = new Set([".git", "node_modules"]);

export const globTool = defineTool({
  name: "Glob",
  description:
    "Finds files of the workspace by the pattern of their paths, such as **/*.ts or src/{a,b}/*.md. The newest first. Leaves out .git and node_modules, unless path leads into one.",
  input: Type.Object({
    pattern: Type.String({ minLength: 1, description: "The pattern, relative to path." }),
    path: Type.Optional(Type.String({ description: "The folder to look in; the workspace by default." })),
  }),
  isParallel: true,
  subject: ({ path = "." }, context) => fileSubject(path, context),
  run: async ({ pattern, path = "." }, context) => {
    const workspace = await openWorkspace(context.workspace);
    const { real } = await workspace.resolve(path);
    const matches = globMatcher(pattern.replace(/^\.\//, ""));
    const found: { path: string; changedAt: number }[] = [];
    let bound: string | null = null;
    const onBound = (reached: string): void => {
      bound ??= reached;
    };
    for await (const entry of workspace.walk(path, {
      signal: context.signal,
      skipFolders: foreignFolders,
      onBound,
    })) {
      const below = real === "" ? entry.path : entry.path.slice(real.length + 1);
      if (!matches(below) || context.mayRead?.(entry.path) === false) continue;
      found.push({ path: entry.path, changedAt: await entry.changedAt() });
      if (found.length >= mostMatches) {
        onBound(`more than ${mostMatches} matches`);
        break;
      }
    }
    found.sort((a, b) => b.changedAt - a.changedAt || (a.path < b.path ? -1 : 1));
    return {
      content: listing(
        found.map((file) => file.path),
        bound,
      ),
    };
  },
});

function listing(paths: readonly string[], bound: string | null): string {
  if (paths.length === 0)
    return bound === null ? "No files found." : `No files found; not all were looked at: ${bound}.`;
  const lines = paths.slice(0, shownFiles);
  if (paths.length > shownFiles) lines.push(`… ${paths.length - shownFiles} more. Use a narrower pattern.`);
  if (bound !== null) lines.push(`Not all files were looked at: ${bound}.`);
  return lines.join("\n");
}
