import { existsSync } from "node:fs";
import { join } from "node:path";
import { readMcpFile } from "../mcp/read-mcp-file.ts";
import { claudeBounds } from "./bounds.ts";
import type { ClaudeFileReport, ClaudeScope } from "./claude-report.ts";
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

interface Settings {
  reports: ClaudeFileReport[];
  permissions: ClaudePermissions;
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
  };
}

export const joinPermissions = (all: readonly ClaudePermissions[]): ClaudePermissions => ({
  deny: [...new Set(all.flatMap(({ deny }) => deny))],
  ask: [...new Set(all.flatMap(({ ask }) => ask))],
});

async function readOneOf(
  { root, scope }: { root: string; scope: ClaudeScope },
  path: string,
  room: Room,
): Promise<{ report: ClaudeFileReport; permissions: ClaudePermissions }> {
  const kind = path === serversFile ? "mcp" : "settings";
  const report = { path, root, scope, kind, name: null, repairs: [] } as const;
  const file = await readOne(root, path, room);
  const found = file.text === undefined ? undefined : parseObject(file.text);
  if (found === undefined) {
    const refusal = file.refusal ?? { code: "unreadable" as const, why: "it is no object of JSON" };
    const claudeCode = { loads: false, why: refusal.why };
    return {
      report: { ...report, status: "not_loaded", refusal, needsConsent: [], claudeCode },
      permissions: kind === "settings" ? everythingDenied : { deny: [], ask: [] },
    };
  }
  const servers = kind === "mcp" ? readMcpFile(file.text ?? "") : { servers: [], problems: [] };
  const names = kind === "mcp" ? servers.servers.map(({ name }) => name) : namesIn(found.hooks);
  const what = kind === "mcp" ? "MCP servers" : "hooks";
  const needsConsent = names.length === 0 ? [] : [`${what}: ${names.slice(0, mostNames).join(", ")}`];
  const claudeCode = { loads: true, why: names.length === 0 ? null : theirsOf[kind] };
  const permissions = kind === "settings" ? permissionsIn(found.permissions) : { deny: [], ask: [] };
  const repairs = [
    ...(permissions === everythingDenied ? ["permissions can't be read: the agents get no tools"] : []),
    ...servers.problems.map(({ server, problem }) =>
      server === null ? problem : `server ${server.slice(0, 100)} is left out: ${problem}`,
    ),
  ].slice(0, claudeBounds.repairsPerFile);
  return {
    report: {
      ...report,
      status: repairs.length > 0 ? "repaired" : "loaded",
      repairs,
      refusal: null,
      needsConsent,
      claudeCode,
    },
    permissions,
  };
}

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

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ""));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const namesIn = (value: unknown): string[] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.keys(value).map((name) => name.slice(0, 100))
    : [];
