import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { loadClaudeFolder, placesOf } from "../claude-folder/load-claude-folder.ts";
import { createRoom, readOne } from "../claude-folder/read-files.ts";
import { type NamedMcpEntry, readMcpFile, readMcpServers } from "./read-mcp-file.ts";

/** The servers of one file, or of one agent in it. */
export interface McpSource {
  /** Absolute path of the file that names them. */
  file: string;
  /** Where their processes run. */
  root: string;
  /** They are for this agent of `.claude` and nobody else; null: for all. */
  agent: string | null;
  servers: readonly NamedMcpEntry[];
  problems: readonly { server: string | null; problem: string }[];
}

export interface McpPlaces {
  /** The folder with `.mcp.json` and `.claude`; those above count as far as the repository goes. */
  folder: string;
  /** What a file of the operator says under `mcpServers`; it goes before the others. */
  configured?: { file: string; root: string; servers: Readonly<Record<string, unknown>> } | undefined;
}

const fileName = ".mcp.json";

/** Where a `.mcp.json` lies or could lie, nearest first. */
export const mcpFilesOf = ({ folder }: McpPlaces): string[] =>
  placesOf({ folder, above: true }).map(({ root }) => join(root, fileName));

/** Reads which servers there are, those that go first at the beginning. It starts nothing, and rejects for no content. */
export async function findMcpServers({ folder, configured }: McpPlaces): Promise<McpSource[]> {
  const places = { folder, above: true };
  const own = configured === undefined ? [] : [await configuredSource(configured)];
  const files = await Promise.all(placesOf(places).map(({ root }) => readFileOf(root)));
  const { agents } = await loadClaudeFolder(places);
  const inline = await Promise.all(
    agents.map(async ({ definition, root, path }): Promise<McpSource | null> => {
      const entries = definition.mcpServers.filter(({ config }) => config !== null);
      if (entries.length === 0) return null;
      const { servers, problems } = readMcpServers(
        Object.fromEntries(entries.map(({ name, config }) => [name, config])),
      );
      const real = await realpath(root).catch(() => root);
      return { file: join(real, path), root: real, agent: definition.name, servers, problems };
    }),
  );
  return [...own, ...files, ...inline].filter((source) => source !== null);
}

async function configuredSource(configured: NonNullable<McpPlaces["configured"]>): Promise<McpSource> {
  const { servers, problems } = readMcpServers(configured.servers);
  const file = await realpath(configured.file).catch(() => configured.file);
  return { file, root: configured.root, agent: null, servers, problems };
}

async function readFileOf(named: string): Promise<McpSource | null> {
  // Approvals are for a file, whichever link leads to it.
  const root = await realpath(named).catch(() => named);
  const isThere = await lstat(join(root, fileName)).then(
    () => true,
    () => false,
  );
  if (!isThere) return null;
  const { text, refusal } = await readOne(root, fileName, createRoom());
  const read = text === undefined ? null : readMcpFile(text.replace(/^\ufeff/, ""));
  const problems = read?.problems ?? [{ server: null, problem: refusal?.why ?? "It can't be read." }];
  return { file: join(root, fileName), root, agent: null, servers: read?.servers ?? [], problems };
}
