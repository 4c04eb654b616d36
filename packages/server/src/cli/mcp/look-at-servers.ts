import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { agentsFileName, readAgentsFile } from "../run/read-agents-file.ts";

type Door = Awaited<ReturnType<CliContext["mcpServers"]>>;
type Source = Awaited<ReturnType<Door["findMcpServers"]>>[number];

/** A server that a file names, and what is known of it. */
export interface SeenServer {
  file: string;
  /** The one agent that it is for; null: all. */
  agent: string | null;
  named: Source["servers"][number];
  /** How it is reached, without secrets. */
  entry: string;
  /** Names of the variables or headers that it is given. */
  variables: readonly string[];
  digest: string;
  isApproved: boolean;
  /** Processes of this user that have it, with what they say of it. */
  running: readonly { pid: number; status: string; tools: readonly string[]; notes: readonly string[] }[];
}

interface Problem {
  file: string;
  server: string | null;
  problem: string;
}

/** Looks at the files of a folder; starts nothing. */
export async function lookAtServers(
  context: CliContext,
  { dir = ".", config }: { dir?: string; config?: string },
): Promise<{ servers: SeenServer[]; problems: Problem[] }> {
  const door = await context.mcpServers();
  const folder = resolve(context.cwd, dir);
  const configured = await readConfigured(context, folder, config);
  const sources = await door.findMcpServers(door.placesOfMcp(folder, configured));
  const { approvals, why } = openSafely(door, context, folder);
  const running = door.readRunning(door.runningFolder(context.env), context.isProcessAlive);
  const servers: SeenServer[] = [];
  for (const { file, agent, servers: named } of sources) {
    for (const one of named) {
      servers.push({
        file,
        agent,
        named: one,
        entry: door.describeEntry(one.entry),
        variables: Object.keys(one.entry.type === "stdio" ? one.entry.env : one.entry.headers),
        digest: door.hashOf(one),
        isApproved: (await approvals?.isApproved(file, one)) ?? false,
        running: running.flatMap(({ pid, servers: states }) =>
          states
            .filter((state) => state.file === file && state.agent === agent && state.server === one.name)
            .map(({ status, tools, notes }) => ({ pid, status, tools, notes })),
        ),
      });
    }
  }
  const problems = sources.flatMap(({ file, problems: found }) =>
    found.map(({ server, problem }) => ({ file, server, problem })),
  );
  if (why !== undefined) problems.push({ file: folder, server: null, problem: why });
  return { servers, problems };
}

/** Where no approvals can be kept, the servers can still be looked at. */
function openSafely(door: Door, { env }: CliContext, folder: string) {
  try {
    return { approvals: door.openApprovals(env, folder) };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

/** A file of agents that is wrong elsewhere still says which servers there are. */
async function readConfigured(context: CliContext, folder: string, config: string | undefined) {
  const path = config === undefined ? resolve(folder, agentsFileName) : resolve(context.cwd, config);
  if (existsSync(path)) return readAgentsFile(context, path);
  if (config === undefined) return undefined;
  throw new CliError(`there is no file ${config}`, { hint: "Name a file such as muster.yaml." });
}

/** For programs: no values of variables and headers, and no address that may hold a key. */
export const shownServer = ({ named, ...seen }: SeenServer) => ({
  name: named.name,
  type: named.entry.type,
  ...seen,
});
