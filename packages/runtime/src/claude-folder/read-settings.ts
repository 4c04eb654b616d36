import { existsSync } from "node:fs";
import { join } from "node:path";
import { readMcpFile } from "../mcp/read-mcp-file.ts";
import { claudeBounds } from "./bounds.ts";
import type { ClaudeFileReport, ClaudeScope } from "./claude-report.ts";
import { type ClaudeHook, describeHook } from "./hooks/claude-hook.ts";
import { createLineOf } from "./hooks/line-of.ts";
import { type HooksReading, readHooks } from "./hooks/read-hooks.ts";
import { type Room, readOne } from "./read-files.ts";

const settingsFiles = [".claude/settings.json", ".claude/settings.local.json"];
const serversFile = ".mcp.json";
const mostNames = 20;
/** What Claude Code does with what needs consent. */
const theirsOf = {
  settings: "it runs these hooks once the folder is trusted",
  mcp: "it starts these servers once a person approved them",
} as const;

/** Rules that the settings of a folder lay on all its agents. What they allow there, nobody gets here by it. */
export interface ClaudePermissions {
  deny: readonly string[];
  ask: readonly string[];
}

/** Hooks that a file of settings has run for all agents of the folder. */
export interface SettingsHooks {
  path: string;
  root: string;
  hooks: readonly ClaudeHook[];
}

/** The hooks of all settings. */
export interface FolderHooks {
  files: readonly SettingsHooks[];
  /** The file that turns all hooks off, those of agents as well. */
  offIn: string | null;
}

interface Settings {
  reports: ClaudeFileReport[];
  permissions: ClaudePermissions;
  hooks: FolderHooks;
}

/** Where settings can't be read, nobody knows what they forbid. */
const everythingDenied: ClaudePermissions = { deny: ["*"], ask: [] };

/**
 * Reports on the files of a repository that would start something, hooks in its settings and the servers of its
 * `.mcp.json`, and reads what the settings forbid. Nothing is run or started here; whoever starts servers reads that file
 * again, after consent.
 */
export async function readSettings(
  { root, scope }: { root: string; scope: ClaudeScope },
  room: Room,
): Promise<Settings> {
  const files = [...settingsFiles, ...(scope === "project" ? [serversFile] : [])];
  const there = files.filter((path) => existsSync(join(root, path)));
  const found = await Promise.all(there.map((path) => readOneOf({ root, scope }, path, room)));
  return {
    reports: found.map(({ report }) => report),
    permissions: joinPermissions(found.map(({ permissions }) => permissions)),
    hooks: joinHooks(found.map(({ hooks }) => hooks)),
  };
}

export const joinHooks = (all: readonly FolderHooks[]): FolderHooks => ({
  files: all.flatMap(({ files }) => files),
  offIn: all.find(({ offIn }) => offIn !== null)?.offIn ?? null,
});

export const joinPermissions = (all: readonly ClaudePermissions[]): ClaudePermissions => ({
  deny: [...new Set(all.flatMap(({ deny }) => deny))],
  ask: [...new Set(all.flatMap(({ ask }) => ask))],
});

const noHooks: FolderHooks = { files: [], offIn: null };

interface ReadSettings {
  report: ClaudeFileReport;
  permissions: ClaudePermissions;
  hooks: FolderHooks;
}

async function readOneOf(place: { root: string; scope: ClaudeScope }, path: string, room: Room) {
  const file = await readOne(place.root, path, room);
  const parsed = file.text === undefined ? undefined : parseObject(file.text);
  const about = { path, ...place, name: null, repairs: [], unsupported: [], needsConsent: [] } as const;
  if (parsed !== undefined && "found" in parsed) {
    const read = { ...about, text: file.text ?? "", found: parsed.found };
    return path === serversFile ? readServersFile(read) : readSettingsFile(read);
  }
  const why = parsed?.why ?? "it can't be read";
  const refusal = file.refusal ?? { code: "unreadable" as const, why };
  const kind = path === serversFile ? ("mcp" as const) : ("settings" as const);
  const claudeCode = { loads: false, why: refusal.why };
  return {
    report: { ...about, kind, status: "not_loaded", refusal, claudeCode },
    permissions: kind === "settings" ? everythingDenied : { deny: [], ask: [] },
    hooks: noHooks,
  } satisfies ReadSettings;
}

type ReadFile = Pick<ClaudeFileReport, "path" | "root" | "scope" | "name" | "unsupported"> & {
  text: string;
  found: Record<string, unknown>;
};

function readServersFile({ text, found: _, ...about }: ReadFile): ReadSettings {
  const { servers, problems } = readMcpFile(text);
  const names = servers.map(({ name }) => name);
  const repairs = problems
    .map(({ server, problem }) =>
      server === null ? problem : `server ${server.slice(0, 100)} is left out: ${problem}`,
    )
    .slice(0, claudeBounds.repairsPerFile);
  const report: ClaudeFileReport = {
    ...about,
    kind: "mcp",
    status: repairs.length > 0 ? "repaired" : "loaded",
    repairs,
    refusal: null,
    needsConsent: names.length === 0 ? [] : [`MCP servers: ${names.slice(0, mostNames).join(", ")}`],
    claudeCode: { loads: true, why: names.length === 0 ? null : theirsOf.mcp },
  };
  return { report, permissions: { deny: [], ask: [] }, hooks: noHooks };
}

function readSettingsFile({ text, found, ...about }: ReadFile): ReadSettings {
  const permissions = permissionsIn(found.permissions);
  const line = createLineOf(text);
  const reading = readHooks(found.hooks, { isAgent: false, lineOf: (way) => line(["hooks", ...way]) });
  const { path, root } = about;
  const offIn = found.disableAllHooks === true ? path : null;
  const repairs = [
    ...(permissions === everythingDenied ? ["permissions can't be read: the agents get no tools"] : []),
    ...reading.problems,
  ].slice(0, claudeBounds.repairsPerFile);
  const hasHooks = reading.hooks.length + reading.unsupported.length > 0;
  const report: ClaudeFileReport = {
    ...about,
    kind: "settings",
    status: repairs.length > 0 ? "repaired" : "loaded",
    repairs,
    unsupported: reading.unsupported,
    refusal: null,
    needsConsent: consentForHooks(reading),
    claudeCode: { loads: true, why: hasHooks && offIn === null ? theirsOf.settings : null },
  };
  const files = reading.hooks.length === 0 ? [] : [{ path, root, hooks: reading.hooks }];
  return { report, permissions, hooks: { files, offIn } };
}

/** What a report says of hooks that are there. */
export const consentForHooks = ({ hooks }: Pick<HooksReading, "hooks">): string[] =>
  hooks.length === 0
    ? []
    : [`hooks: ${[...new Set(hooks.map(describeHook))].slice(0, mostNames).join(", ").slice(0, 1_000)}`];

function permissionsIn(value: unknown): ClaudePermissions {
  if (value === undefined || value === null) return { deny: [], ask: [] };
  if (typeof value !== "object" || Array.isArray(value)) return everythingDenied;
  const { deny = [], ask = [] } = value as Record<string, unknown>;
  return isRules(deny) && isRules(ask) ? { deny, ask } : everythingDenied;
}

const isRules = (value: unknown): value is string[] =>
  Array.isArray(value) &&
  value.length <= claudeBounds.listEntries &&
  value.every(
    (one) => typeof one === "string" && one.trim() !== "" && one.length <= claudeBounds.entryLength,
  );

function parseObject(text: string): { found: Record<string, unknown> } | { why: string } {
  const json = text.replace(/^\ufeff/, "");
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? { found: value as Record<string, unknown> }
      : { why: "it is no object of JSON" };
  } catch (error) {
    const at = /position (\d+)/.exec((error as Error).message)?.[1];
    const before = at === undefined ? json.trimEnd() : json.slice(0, Number(at));
    return { why: `it is no object of JSON: line ${before.split("\n").length} does not parse` };
  }
}
