/**
 * What a `.claude` folder says, apart from the rest of this package: whoever only wants to look at one loads neither models
 * nor tools.
 */
export { type ClaudeFileReport, isMistake } from "./claude-report.ts";
export { fillArguments } from "./fill-arguments.ts";
export * from "./hooks/index.ts";
export type { Loaded } from "./load-claude-folder.ts";
export { type ClaudeFolder, loadClaudeFolder, placesOf } from "./load-claude-folder.ts";
export { missingSkills } from "./missing-skills.ts";
export type { ClaudeAgent } from "./read-agent.ts";
export type { ClaudePrompt } from "./read-prompt.ts";
export type { ClaudePermissions } from "./read-settings.ts";
export {
  type ClaudeChange,
  type ClaudeWatch,
  type WatchOptions,
  watchClaudeFolder,
} from "./watch-claude-folder.ts";
