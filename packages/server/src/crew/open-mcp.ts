import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  createMcpHub,
  createScrubber,
  type McpHub,
  type McpState,
  type McpTool,
  tellNoMore,
  tellRunning,
  watchFiles,
} from "@muster/runtime";
import { findMcpServers, mcpFilesOf } from "@muster/runtime/mcp";
import { approvalsFile, mcpFolder, openApprovals, placesOfMcp, runningFolder } from "../mcp-servers.ts";
import type { ConfiguredAgents } from "./configured-agents.ts";

export interface OpenMcpOptions {
  folder: string;
  env: Readonly<Record<string, string | undefined>>;
  configured?: ConfiguredAgents | undefined;
  say: (sentence: string) => void;
  warn: (sentence: string) => void;
  quietMs?: number;
}

export interface RunningMcp {
  /** Tools that an agent of `.claude` may have. */
  toolsFor(agent: string): readonly McpTool[];
  /** A tool of a server that is for everybody. */
  find(server: string, tool: string): McpTool | undefined;
  refresh(): void;
  /** Calls after each change until the returned function is called. */
  onChange(listener: () => void): () => void;
  unfollow(): void;
  close(): Promise<void>;
}

/** For so long a start waits for servers; those that take longer join later. */
const mostWaitMs = 10_000;
/** Notes on one server that are told; `muster mcp list` has more. */
const mostNotes = 10;

/** Opens the approved MCP servers and follows their files; undefined where approvals could not be kept safely. */
export async function openMcp(options: OpenMcpOptions): Promise<RunningMcp | undefined> {
  const { env, folder, configured, say, warn } = options;
  const places = placesOfMcp(folder, configured);
  let approvals: ReturnType<typeof openApprovals>;
  try {
    approvals = openApprovals(env, folder);
  } catch (error) {
    if ((await findMcpServers(places)).some(({ servers }) => servers.length > 0))
      warn(`no MCP server is started: ${(error as Error).message}`);
    return undefined;
  }
  const listeners = new Set<() => void>();
  const told = new Set<string>();
  const hub = createMcpHub({
    find: () => findMcpServers(places),
    approvals,
    env,
    scrub: createScrubber({ env }),
    onChange: (states) => {
      tell(states, told, { folder, say, warn });
      keepStatus(env, states);
      for (const listener of listeners) listener();
    },
  });
  makeFolder(env);
  const files = [...mcpFilesOf(places), approvalsFile(env)];
  const unfollow = watchFiles(files, () => void hub.refresh(), options.quietMs);
  const first = hub.refresh();
  await Promise.race([first, pause(mostWaitMs, undefined, { ref: false })]);
  return runningMcp(hub, env, listeners, unfollow);
}

function runningMcp(
  hub: McpHub,
  env: OpenMcpOptions["env"],
  listeners: Set<() => void>,
  unfollow: () => void,
): RunningMcp {
  return {
    toolsFor: (agent) => hub.toolsFor(agent),
    find: (server, tool) => hub.toolsFor(null).find((one) => one.server === server && one.ownName === tool),
    refresh: () => void hub.refresh(),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    unfollow,
    async close() {
      unfollow();
      await hub.close();
      tellNoMore(runningFolder(env), process.pid);
    },
  };
}

/** So that it can be watched: an approval that is given while Muster runs counts at once. */
function makeFolder(env: OpenMcpOptions["env"]): void {
  try {
    mkdirSync(resolve(mcpFolder(env)), { recursive: true, mode: 0o700 });
  } catch {
    // A home that can't be written to holds no approvals, and `muster mcp approve` says so.
  }
}

function keepStatus(env: OpenMcpOptions["env"], states: readonly McpState[]): void {
  try {
    tellRunning(runningFolder(env), process.pid, states);
  } catch {
    // It is for people to look at; nothing depends on it.
  }
}

/** Says of each server what is new, once. */
function tell(
  states: readonly McpState[],
  told: Set<string>,
  { folder, say, warn }: Pick<OpenMcpOptions, "folder" | "say" | "warn">,
): void {
  const lines = states.flatMap((state) => linesOf(state, folder));
  const now = new Set(lines.map(({ line }) => line));
  for (const line of told) if (!now.has(line)) told.delete(line);
  for (const { line, isWarning } of lines) {
    if (told.has(line)) continue;
    told.add(line);
    (isWarning ? warn : say)(line);
  }
}

function linesOf({ server, status, tools, notes, file, entry }: McpState, folder: string) {
  const called = server === "" ? `MCP servers of ${file}` : `MCP server ${server} (${file})`;
  if (status === "unapproved") {
    const isNamed = /\.ya?ml$/.test(file) && file !== resolve(folder, "muster.yaml");
    const command = `muster mcp approve ${quoted(server)}${isNamed ? ` --config ${quoted(file)}` : ""}`;
    const line = `${called} is NOT started, since nobody approved it as it stands now: ${entry} — look at it, then: ${command}`;
    return [{ line, isWarning: true }];
  }
  const shown = notes.slice(0, mostNotes).map((note) => ({ line: `${called}: ${note}`, isWarning: true }));
  if (status !== "ready") return shown;
  const line = `${called} is open, with ${tools.length === 1 ? "1 tool" : `${tools.length} tools`}`;
  return [{ line, isWarning: false }, ...shown];
}

const quoted = (word: string): string =>
  /^[\w.@/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
