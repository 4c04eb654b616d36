/** What there is to say of MCP servers without starting any: the protocol's package is not loaded. */
export { type Approvals, createApprovals, hashOf } from "./create-approvals.ts";
export type { McpState } from "./create-mcp-hub.ts";
export { findMcpServers, type McpPlaces, type McpSource, mcpFilesOf } from "./find-mcp-servers.ts";
export { type McpEntry, type NamedMcpEntry, readMcpServers } from "./read-mcp-file.ts";
export { type RunningServers, readRunning } from "./running-servers.ts";
export { describeEntry } from "./secrets-of.ts";
