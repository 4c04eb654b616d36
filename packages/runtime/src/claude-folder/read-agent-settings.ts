import { claudeBounds } from "./bounds.ts";
import { boundedJson } from "./keep-metadata.ts";
import { cut } from "./read-name.ts";
import { entriesOf } from "./tool-list.ts";

export type MemoryScope = "user" | "project" | "local";

/** What an agent's file says beside its name, its prompt and its tools. */
export interface AgentSettings {
  /** An alias (`sonnet`, `opus`, `haiku`, `fable`), a full id, or `inherit`. */
  model: string;
  permissionMode: string | null;
  /** Most turns of one task; null: the loop's own bound. */
  maxTurns: number | null;
  /** Names of skills whose whole text the agent begins with. */
  skills: readonly string[];
  /** MCP servers that it names; one that it brings itself needs consent. */
  mcpServers: readonly { name: string; config: unknown }[];
  /** Where it keeps what it remembers, from the project or from the user's home. */
  memory: { scope: MemoryScope; folder: string } | null;
  background: boolean;
  effort: string | null;
  /** Each task in a git worktree of its own. */
  isolation: "worktree" | null;
  color: string | null;
}

interface SettingsReading {
  settings: AgentSettings;
  repairs: string[];
  needsConsent: string[];
}

const permissionModes = ["default", "acceptEdits", "auto", "dontAsk", "bypassPermissions", "plan", "manual"];
const efforts = ["low", "medium", "high", "xhigh", "max"];
const colors = ["red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan"];
const memoryFolders: Readonly<Record<MemoryScope, string>> = {
  user: "agent-memory",
  project: "agent-memory",
  local: "agent-memory-local",
};
const truths: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  [false, false],
  ["true", true],
  ["false", false],
  ["yes", true],
  ["no", false],
]);

/** Reads the settings of an agent; what is wrong is left out, with a repair that says so. */
export function readAgentSettings(values: ReadonlyMap<string, unknown>, name: string): SettingsReading {
  const repairs: string[] = [];
  const needsConsent: string[] = [];
  const oneOf = (key: string, allowed: readonly string[]): string | null => {
    const value = values.get(key);
    if (value === undefined || value === null) return null;
    const found = allowed.find((one) => one.toLowerCase() === String(value).trim().toLowerCase());
    if (found === undefined) repairs.push(`${key} is none of ${allowed.join(", ")}: left out`);
    return found ?? null;
  };
  const memory = oneOf("memory", ["user", "project", "local"]) as MemoryScope | null;
  const servers = readServers(values.get("mcpServers"), repairs);
  const inline = servers.filter(({ config }) => config !== null);
  if (inline.length > 0)
    needsConsent.push(`MCP servers of its own: ${inline.map((one) => one.name).join(", ")}`);
  const permissionMode = oneOf("permissionMode", permissionModes);
  if (permissionMode === "bypassPermissions" || permissionMode === "dontAsk")
    needsConsent.push(`permissionMode ${permissionMode}`);
  const isolation = oneOf("isolation", ["worktree"]) as "worktree" | null;
  const settings: AgentSettings = {
    model: readModel(values.get("model"), repairs),
    permissionMode,
    maxTurns: readTurns(values.get("maxTurns"), repairs),
    skills: readNames("skills", values.get("skills"), repairs),
    mcpServers: servers,
    memory: memory === null ? null : { scope: memory, folder: `.claude/${memoryFolders[memory]}/${name}` },
    background: readFlag("background", values.get("background"), repairs),
    effort: oneOf("effort", efforts),
    isolation,
    color: readColor(values.get("color")),
  };
  return { settings, repairs, needsConsent };
}

/** A model is an alias or an id; the router knows which of them there are. */
function readModel(value: unknown, repairs: string[]): string {
  if (value === undefined || value === null) return "inherit";
  const said = typeof value === "string" ? value.trim() : "";
  if (/^[A-Za-z0-9][\w./:@[\]-]{0,127}$/.test(said)) {
    const alias = said.toLowerCase();
    return /^(?:sonnet|opus|haiku|fable|inherit)$/.test(alias) ? alias : said;
  }
  repairs.push(`model ${JSON.stringify(value).slice(0, 60)} is neither an alias nor an id: taken as inherit`);
  return "inherit";
}

function readTurns(value: unknown, repairs: string[]): number | null {
  if (value === undefined || value === null) return null;
  const turns = typeof value === "string" && /^\d{1,9}$/.test(value.trim()) ? Number(value) : value;
  if (typeof turns !== "number" || !Number.isInteger(turns) || turns < 1) {
    repairs.push("maxTurns is no whole number above 0: left out");
    return null;
  }
  if (turns <= claudeBounds.turns) return turns;
  repairs.push(`maxTurns ${turns} is more than ${claudeBounds.turns}: cut`);
  return claudeBounds.turns;
}

function readFlag(key: string, value: unknown, repairs: string[]): boolean {
  if (value === undefined || value === null) return false;
  const flag = truths.get(typeof value === "string" ? value.toLowerCase() : value);
  if (flag === undefined) repairs.push(`${key} is neither true nor false: left out`);
  return flag ?? false;
}

function readNames(key: string, value: unknown, repairs: string[]): string[] {
  const names = entriesOf(value);
  if (names !== undefined) return names;
  repairs.push(`${key} is no list of names: left out`);
  return [];
}

/** Colours are for people; one that Claude Code does not know does no harm. */
function readColor(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const color = value.trim().toLowerCase();
  return colors.includes(color) || /^#[0-9a-f]{3,8}$/.test(color) || /^[a-z]{2,20}$/.test(color)
    ? color
    : null;
}

function readServers(value: unknown, repairs: string[]): { name: string; config: unknown }[] {
  if (value === undefined || value === null) return [];
  const listed = Array.isArray(value) ? value : [value];
  const servers = listed.slice(0, claudeBounds.listEntries).flatMap((one: unknown) => {
    if (typeof one === "string") return (entriesOf(one) ?? []).map((name) => ({ name, config: null }));
    if (typeof one === "object" && one !== null && !Array.isArray(one))
      return Object.entries(one).map(([name, config]) => ({ name, config: boundedJson(config) }));
    repairs.push("an entry of mcpServers is neither a name nor a server: left out");
    return [];
  });
  return servers.map(({ name, config }) => ({ name: cut(name, claudeBounds.nameLength), config }));
}
