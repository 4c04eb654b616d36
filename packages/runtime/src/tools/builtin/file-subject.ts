import type { ToolContext, ToolSubject } from "../tool.ts";
import { ToolError } from "../tool-error.ts";
import { openWorkspace } from "../workspace/open-workspace.ts";

/** A path as rules see it: as written, and where links in it lead. */
export async function fileSubject(path: string, context: ToolContext): Promise<ToolSubject> {
  const { given, real } = await (await openWorkspace(context.workspace)).resolve(path);
  return { kind: "paths", paths: given === real ? [real] : [given, real] };
}

/**
 * Files by which a program outside of the sandbox can be made to run something, or an agent can give itself more than it
 * was given. Relative to the workspace, or to a folder in it that has a `.claude` of its own; `.git` at any depth, in
 * whatever case a file system takes for the same.
 */
export const protectedFiles: readonly string[] = [
  ".mcp.json",
  ".muster",
  "muster.yaml",
  "muster.yml",
  ".claude/settings.json",
  ".claude/settings.local.json",
  ".claude/agents",
  ".claude/commands",
  ".claude/hooks",
  ".claude/skills",
];

/** Throws where a path may not be written to. */
export function refuseProtected(paths: readonly string[]): void {
  for (const path of paths) {
    const folded = path.toLowerCase();
    const isGit = folded.split("/").includes(".git");
    const isHit = protectedFiles.some(
      (one) => `/${folded}/`.startsWith(`/${one}/`) || (isNested(one) && `/${folded}/`.includes(`/${one}/`)),
    );
    if (isGit || isHit) {
      throw new ToolError(
        `${path} is protected: what stands there can start programs or change what agents may do. A person has to edit it.`,
      );
    }
  }
}

/** What a folder below may have as well: who works in it gets its settings from there. */
const isNested = (path: string): boolean => path === ".mcp.json" || path.startsWith(".claude/");
