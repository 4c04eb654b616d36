/** What the command line knows of MCP servers. Looking at them starts none. */
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { type Approvals, createApprovals, type McpPlaces } from "@muster/runtime/mcp";

export {
  describeEntry,
  findMcpServers,
  hashOf,
  type McpSource,
  type McpState,
  type NamedMcpEntry,
  readMcpServers,
  readRunning,
} from "@muster/runtime/mcp";

type Environment = Readonly<Record<string, string | undefined>>;

/** What a person said of MCP servers is kept in their home, out of every repository's reach. */
export const mcpFolder = (env: Environment): string => join(env.HOME ?? homedir(), ".muster", "mcp");
export const approvalsFile = (env: Environment): string => join(mcpFolder(env), "approvals.json");
/** What running processes say of their servers. */
export const runningFolder = (env: Environment): string => join(mcpFolder(env), "running");

/** Throws `invalid_request` where the home lies in the folder whose servers are approved. */
export const openApprovals = (env: Environment, folder: string): Approvals =>
  createApprovals(approvalsFile(env), folder);

/** Where servers are named: in files of the folder and in one that was named. */
export function placesOfMcp(
  folder: string,
  configured?: { file: string; folder: string; mcpServers?: Readonly<Record<string, unknown>> },
): McpPlaces {
  if (configured?.mcpServers === undefined) return { folder };
  const { file, folder: root, mcpServers: servers } = configured;
  return { folder, configured: { file: join(root, basename(file)), root, servers } };
}
