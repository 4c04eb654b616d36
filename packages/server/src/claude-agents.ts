/** What the command line knows of `.claude` folders. Looking at one loads neither models nor tools. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { placesOf } from "@muster/runtime/claude-folder";

export {
  type ClaudeFileReport,
  type ClaudeFolder,
  findHooks,
  isMistake,
  loadClaudeFolder,
  lookAtHook,
} from "@muster/runtime/claude-folder";
export { openHookApprovals } from "./claude-hooks.ts";

/** Whether a folder or one above it, as far as the repository goes, has a `.claude` folder. */
export const hasClaudeFolder = (folder: string): boolean =>
  placesOf({ folder, above: true }).some(({ root }) => existsSync(join(root, ".claude")));
