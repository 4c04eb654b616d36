/**
 * Hooks of `.claude` folders, as files name them and as people approve them. Nothing here runs one; who only looks at them
 * loads no shell.
 */
export { type ClaudeHook, describeHook, type HookSource } from "./claude-hook.ts";
export { findAgentHooks, findHooks, findSettingsHooks } from "./find-hooks.ts";
export {
  createHookApprovals,
  type FoundHook,
  type HookApprovals,
  type HookConsent,
  type JudgedHook,
  lookAtHook,
} from "./hook-approvals.ts";
