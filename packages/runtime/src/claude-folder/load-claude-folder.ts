/**
 * Reads a repository's `.claude` folder: its agents, its skills, its commands. Such files were written for another program
 * and by many hands, so they are read leniently, and what became of each is told: loaded, loaded with repairs, or not
 * loaded and why, beside what Claude Code itself would do. Reading runs nothing: hooks, MCP servers and commands in texts
 * are named in the report, and start only once somebody says so.
 */
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { ClaudeFileKind, ClaudeFileReport, ClaudeScope } from "./claude-report.ts";
import { type ClaudeAgent, type Reading, readAgent } from "./read-agent.ts";
import { createRoom, type FoundFile, readFiles } from "./read-files.ts";
import { type ClaudePrompt, readPrompt } from "./read-prompt.ts";
import {
  type ClaudePermissions,
  type FolderHooks,
  joinHooks,
  joinPermissions,
  readSettings,
} from "./read-settings.ts";

/** Something that was loaded, and the file that says it. */
export interface Loaded<Definition> {
  definition: Definition;
  path: string;
  /** Absolute folder that `path` begins at. */
  root: string;
  scope: ClaudeScope;
}

export interface ClaudeFolder {
  agents: readonly Loaded<ClaudeAgent>[];
  skills: readonly Loaded<ClaudePrompt>[];
  commands: readonly Loaded<ClaudePrompt>[];
  /** What the settings of all places say, however near they are. */
  permissions: ClaudePermissions;
  /** What the settings of all places want run; those of an agent's own stand with the agent. */
  hooks: FolderHooks;
  /** One for each file, of all places, in the order in which they are looked at. */
  reports: readonly ClaudeFileReport[];
}

export interface ClaudePlaces {
  /** The folder with `.claude` in it. */
  folder: string;
  /** Looks into the folders above it, too, as far as the repository goes; the nearest wins. */
  above?: boolean;
  /** The home of a user whose own agents come last; left out: nobody's. */
  home?: string;
}

interface Place {
  root: string;
  scope: ClaudeScope;
}

/** More folders than these are not between a file and its repository's top. */
const mostFoldersAbove = 30;

/** Loads everything; never rejects for what a folder holds. A folder without `.claude` has nothing in it. */
export async function loadClaudeFolder(places: ClaudePlaces): Promise<ClaudeFolder> {
  const collected = {
    agents: new Map(),
    prompts: new Map(),
    permissions: [],
    hooks: [],
    reports: [],
  } as Collected;
  for (const place of placesOf(places)) await loadPlace(place, collected);
  const prompts = [...collected.prompts.values()];
  return {
    agents: [...collected.agents.values()],
    skills: prompts.filter(({ definition }) => definition.kind === "skill"),
    commands: prompts.filter(({ definition }) => definition.kind === "command"),
    permissions: joinPermissions(collected.permissions),
    hooks: joinHooks(collected.hooks),
    reports: collected.reports,
  };
}

interface Collected {
  agents: Map<string, Loaded<ClaudeAgent>>;
  /** A skill and a command share their names, and the skill wins. */
  prompts: Map<string, Loaded<ClaudePrompt>>;
  permissions: ClaudePermissions[];
  hooks: FolderHooks[];
  reports: ClaudeFileReport[];
}

/** The folders with `.claude` in them, nearest first. */
export function placesOf({ folder, above = false, home }: ClaudePlaces): Place[] {
  const nearest = resolve(folder);
  const roots = [nearest];
  if (above) roots.push(...foldersAbove(nearest));
  const places: Place[] = roots.map((root) => ({ root, scope: "project" }));
  if (home !== undefined && !roots.includes(resolve(home)))
    places.push({ root: resolve(home), scope: "user" });
  return places;
}

/** The folders from here up to the top of the repository; none where this is in no repository. */
function foldersAbove(folder: string): string[] {
  const found: string[] = [];
  for (let at = folder; found.length < mostFoldersAbove; at = dirname(at)) {
    if (at !== folder) found.push(at);
    if (existsSync(join(at, ".git"))) return found;
    if (dirname(at) === at) break;
  }
  return [];
}

async function loadPlace(place: Place, collected: Collected): Promise<void> {
  const room = createRoom();
  const read = (folder: string, wanted: (path: string) => boolean): Promise<FoundFile[]> =>
    readFiles(place.root, folder, wanted, room);
  for (const file of await read(".claude/agents", isMarkdown)) {
    const reading = readFile(file, (text) => readAgent(text, basename(file.path)));
    keep(collected.agents, "agent", file, reading, place, collected.reports);
  }
  for (const file of await read(".claude/skills", isSkill)) {
    const name = basename(dirname(file.path));
    const reading = readFile(file, (text) => readPrompt("skill", name, text));
    keep(collected.prompts, "skill", file, reading, place, collected.reports);
  }
  for (const file of await read(".claude/commands", isMarkdown)) {
    const name = basename(file.path).replace(/\.md$/i, "");
    const reading = readFile(file, (text) => readPrompt("command", name, text));
    keep(collected.prompts, "command", file, reading, place, collected.reports);
  }
  const { reports, permissions, hooks } = await readSettings(place, room);
  collected.reports.push(...reports);
  collected.permissions.push(permissions);
  collected.hooks.push(hooks);
}

const isMarkdown = (path: string): boolean => /\.md$/i.test(path);
const isSkill = (path: string): boolean => /^\.claude\/skills\/[^/]+\/SKILL\.md$/.test(path);

const cantBeRead = {
  loads: false,
  why: "it can't be read as text here; what Claude Code does with it is not known",
};

function readFile<Definition>(
  { text, isReplaced, refusal }: FoundFile,
  read: (text: string) => Reading<Definition>,
): Reading<Definition> {
  if (text === undefined) {
    return { name: null, repairs: [], needsConsent: [], claudeCode: cantBeRead, ...(refusal && { refusal }) };
  }
  const reading = read(text);
  if (isReplaced !== true) return reading;
  return { ...reading, repairs: ["some of its bytes are no UTF-8: replaced", ...reading.repairs] };
}

/** Keeps what was read where nothing stands before it, and reports on the file either way. */
function keep<Definition extends { name: string }>(
  kept: Map<string, Loaded<Definition>>,
  kind: ClaudeFileKind,
  { path }: FoundFile,
  reading: Reading<Definition>,
  { root, scope }: Place,
  reports: ClaudeFileReport[],
): void {
  const { definition, name, repairs, unsupported = [], needsConsent } = reading;
  const before = definition === undefined ? undefined : kept.get(definition.name.toLowerCase());
  const { refusal = null, claudeCode } =
    before === undefined ? reading : standsBefore(before, { root, scope }, reading, kind);
  if (definition !== undefined && before === undefined)
    kept.set(definition.name.toLowerCase(), { definition, path, root, scope });
  const status = refusal !== null ? "not_loaded" : repairs.length > 0 ? "repaired" : "loaded";
  const became = { status, repairs, refusal, unsupported, needsConsent, claudeCode } as const;
  reports.push({ path, root, scope, kind, name, ...became });
}

function standsBefore<Definition extends { name: string }>(
  before: Loaded<Definition>,
  { root, scope }: Place,
  { claudeCode }: Reading<Definition>,
  kind: ClaudeFileKind,
): Pick<Reading<Definition>, "refusal" | "claudeCode"> {
  const said = `${JSON.stringify(before.definition.name)} is the name of ${before.path}`;
  if (before.root !== root) {
    const nearer =
      before.scope === scope ? "which is nearer" : "of the project, which goes before the user's";
    const why = `${said}, ${nearer}`;
    return { refusal: { code: "overridden", why }, claudeCode: { loads: false, why } };
  }
  if (kind === "command" && (before.definition as { kind?: string }).kind === "skill") {
    const why = `${said}, and a skill goes before a command`;
    return { refusal: { code: "overridden", why }, claudeCode: { loads: false, why } };
  }
  const why = `${said}, which was there first`;
  const theirs = claudeCode.loads
    ? { loads: false, why: "Claude Code keeps one file of this name and drops the others in silence" }
    : claudeCode;
  return { refusal: { code: "name_taken", why }, claudeCode: theirs };
}
