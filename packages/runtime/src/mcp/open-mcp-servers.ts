import type { Scrub } from "../tools/create-scrubber.ts";
import { plain } from "./check-tool.ts";
import type { Approvals } from "./create-approvals.ts";
import { expandEntry } from "./expand-entry.ts";
import { type McpServer, type McpServerOptions, type McpTool, openMcpServer } from "./mcp-server.ts";
import type { NamedMcpEntry } from "./read-mcp-file.ts";
import { describeEntry, scrubberOf } from "./secrets-of.ts";

/** What became of a server, for people. */
export interface McpReport {
  server: string;
  status: "ready" | "unapproved" | "failed";
  /** Names of its tools. */
  tools: readonly string[];
  /** Why it is not ready, what is missing, and which tools were left out. */
  notes: readonly string[];
}

export interface McpServersOptions {
  /** Absolute path of the file that names the servers. */
  source: string;
  /** Null: they come from the operator's own configuration, which is approval enough. */
  approvals: Approvals | null;
  /** Where servers' processes run. */
  cwd: string;
  /** For variables in entries. A server's process gets only `PATH`, `HOME` and how text is written. */
  env: Readonly<Record<string, string | undefined>>;
  /** Takes out of answers and reports what must not be seen; what an entry holds of secrets is known beside it. */
  scrub?: Scrub;
  /** Ends what is being opened. */
  signal?: AbortSignal;
  timing?: Partial<
    Pick<McpServerOptions, "timeoutMs" | "callTimeoutMs" | "firstBackoffMs" | "mostBackoffMs">
  >;
}

export interface McpServers {
  readonly tools: readonly McpTool[];
  readonly reports: readonly McpReport[];
  /** Ends all of them. */
  close(): Promise<void>;
}

const usualTiming = {
  timeoutMs: 30_000,
  callTimeoutMs: 60_000,
  firstBackoffMs: 1_000,
  mostBackoffMs: 300_000,
};
const passed = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/**
 * Opens the servers that a file names, as tools `mcp__server__tool`. One that no person approved is not started, and one
 * that fails is reported; neither keeps the others from working.
 */
export async function openMcpServers(
  entries: readonly NamedMcpEntry[],
  options: McpServersOptions,
): Promise<McpServers> {
  const opened = await Promise.all(distinct(entries).map((entry) => open(entry, options)));
  const servers = opened.map(({ server }) => server).filter((server) => server !== null);
  return {
    tools: servers.flatMap(({ tools }) => tools),
    reports: opened.map(({ report }) => report),
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

/** Two names that are the same in the names of tools would be one server to the model. */
function distinct(entries: readonly NamedMcpEntry[]): NamedMcpEntry[] {
  const names = new Set<string>();
  return entries.filter(({ name }) => !names.has(plain(name)) && names.add(plain(name)));
}

interface Opened {
  server: McpServer | null;
  report: McpReport;
}

async function open(named: NamedMcpEntry, options: McpServersOptions): Promise<Opened> {
  const { name } = named;
  const { approvals, source } = options;
  const refused = (status: McpReport["status"], note: string): Opened => ({
    server: null,
    report: { server: name, status, tools: [], notes: [note] },
  });
  if (approvals !== null && !(await approvals.isApproved(source, named))) {
    return refused(
      "unapproved",
      `Not started: no person approved it as it stands now: ${describeEntry(named.entry)}`,
    );
  }
  const { entry, unset } = expandEntry(named.entry, options.env);
  const scrub = scrubberOf(entry, options.scrub);
  const notes = unset.map((variable) => `The variable ${variable} is not set.`);
  try {
    const env = Object.fromEntries(
      passed.flatMap((key) => (options.env[key] === undefined ? [] : [[key, options.env[key]]])),
    );
    const server = await openMcpServer(name, entry, {
      ...usualTiming,
      ...options.timing,
      cwd: options.cwd,
      env,
      signal: options.signal,
      scrub,
      ...(approvals === null ? {} : { approvedTools: (now) => approvals.toolsOf(source, named, now) }),
    });
    const leftOut = server.leftOut.map(({ tool, reason }) => `The tool ${tool} was left out: ${reason}.`);
    const tools = server.tools.map((tool) => tool.name);
    return { server, report: { server: name, status: "ready", tools, notes: [...notes, ...leftOut] } };
  } catch (error) {
    return refused("failed", scrub([...notes, (error as Error).message].join(" ")));
  }
}
