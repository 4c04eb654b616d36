export {
  createModelAgent,
  type ModelAgentDefinition,
  type ModelAgentOptions,
  type ModelCapability,
  type OpenToolbox,
} from "./agent-loop/create-model-agent.ts";
export type { LoopHooks } from "./agent-loop/loop-hooks.ts";
export { defaultLoopLimits, type LoopLimits } from "./agent-loop/loop-limits.ts";
export type { StreamedText } from "./agent-loop/loop-settings.ts";
export {
  type ClaudeToolPolicy,
  claudeAgentId,
  createClaudeAgent,
  describeClaudeAgent,
} from "./claude-folder/create-claude-agent.ts";
export { createClaudeHooks } from "./claude-folder/hooks/create-claude-hooks.ts";
export { createSkillTool } from "./claude-folder/skill-tool.ts";
export { limitDelegation, teamToolsOf } from "./claude-folder/team-policy.ts";
export { type Clock, hostClock, type Random } from "./clock.ts";
export type { CallRecord } from "./llm/call-record.ts";
export type { AliasDiagnosis, ModelDiagnosis, ProviderDiagnosis } from "./llm/diagnose.ts";
export {
  type Model,
  type ModelCallOptions,
  ModelError,
  type ModelErrorCode,
  type ModelErrorOptions,
  type ModelEstimate,
  type ModelMessage,
  type ModelRequest,
  type ModelTurn,
  type ModelUsage,
  type ToolCall,
  type ToolCallResult,
  type ToolSpec,
} from "./llm/model.ts";
export { createModelRouter, type ModelRouter, type ModelRouterOptions } from "./llm/model-router.ts";
export {
  type AliasSettings,
  defaultProviders,
  type ModelPrices,
  type ModelSettings,
  type ProviderKind,
  type ProviderSettings,
} from "./llm/model-settings.ts";
export {
  type CheckedSettings,
  readModelSettings,
  type SettingsMistake,
} from "./llm/read-model-settings.ts";
export { createInMemoryCells } from "./llm/shared/in-memory-cells.ts";
export { createRedisCells, type RedisCellsOptions } from "./llm/shared/redis-cells.ts";
export type { CellChange, SharedCells } from "./llm/shared/shared-cells.ts";
export { type Approvals, createApprovals } from "./mcp/create-approvals.ts";
export { createMcpHub, type McpHub, type McpHubOptions, type McpState } from "./mcp/create-mcp-hub.ts";
export type { McpTool } from "./mcp/mcp-server.ts";
export {
  type McpReport,
  type McpServers,
  type McpServersOptions,
  openMcpServers,
} from "./mcp/open-mcp-servers.ts";
export {
  type McpEntry,
  type McpFile,
  type NamedMcpEntry,
  readMcpFile,
  readMcpServers,
} from "./mcp/read-mcp-file.ts";
export { tellNoMore, tellRunning } from "./mcp/running-servers.ts";
export { watchFiles } from "./mcp/watch-files.ts";
export {
  createPlanner,
  type GoalOutput,
  type Plan,
  type PlannerOptions,
} from "./planner/create-planner.ts";
export { type GoalInput, goalCapability, type PlanLimits } from "./planner/goal.ts";
export {
  createTeamTools,
  type TeamContext,
  type TeamToolsOptions,
} from "./together/create-team-tools.ts";
export { joinToolboxes } from "./together/join-toolboxes.ts";
export { askFirst } from "./tools/ask-first.ts";
export { createBashTool } from "./tools/builtin/bash-tool.ts";
export { fileTools } from "./tools/builtin/file-tools.ts";
export { createTodoWriteTool, type Todo } from "./tools/builtin/todo-write-tool.ts";
export { createWebFetchTool, type WebFetchOptions } from "./tools/builtin/web-fetch-tool.ts";
export { createScrubber, type Scrub, type ScrubberOptions } from "./tools/create-scrubber.ts";
export { createToolbox, type ToolboxOptions } from "./tools/create-toolbox.ts";
export { defineTool, type ToolDefinition } from "./tools/define-tool.ts";
export type { ToolPolicy } from "./tools/policy/tool-policy.ts";
export { openShell, type ShellOptions } from "./tools/shell/open-shell.ts";
export type { Shell, ShellExit, ShellLimits, ShellRequest } from "./tools/shell/shell.ts";
export type {
  AskConsent,
  ConsentAnswer,
  ConsentRequest,
  Tool,
  Toolbox,
  ToolContext,
  ToolOutcome,
  ToolSubject,
} from "./tools/tool.ts";
export { ToolError } from "./tools/tool-error.ts";
export {
  openTaskWorktree,
  type TaskWorktree,
  type TaskWorktreeOptions,
} from "./tools/workspace/task-worktree.ts";
