import { createHash } from "node:crypto";
import { join } from "node:path";
import type { ClaudeFileReport } from "./claude-report.ts";
import { createFolderWatchers } from "./folder-watchers.ts";
import {
  type ClaudeFolder,
  type ClaudePlaces,
  type Loaded,
  loadClaudeFolder,
  placesOf,
} from "./load-claude-folder.ts";
import type { ClaudeAgent } from "./read-agent.ts";

/** What changed in a folder since it was looked at before. */
export interface ClaudeChange {
  folder: ClaudeFolder;
  added: readonly Loaded<ClaudeAgent>[];
  changed: readonly Loaded<ClaudeAgent>[];
  removed: readonly Loaded<ClaudeAgent>[];
  /** Agents whose file no longer loads: they go on as they last were, until it loads again or goes away. */
  kept: readonly { agent: Loaded<ClaudeAgent>; why: string }[];
}

export interface ClaudeWatch {
  /** The agents as they are now, those that are kept among them. */
  readonly agents: readonly Loaded<ClaudeAgent>[];
  close(): Promise<void>;
}

export interface WatchOptions {
  /** For so long after a change nothing else may change before the folder is read again, 200 ms by default. */
  quietMs?: number;
  onChange: (change: ClaudeChange) => void | Promise<void>;
  /** A reading or what was done about it failed; the folder is read again after the next change. */
  onError: (error: unknown) => void;
}

const defaultQuietMs = 200;

/**
 * Follows a `.claude` folder that was loaded. Editors write files in several steps, so it is read only once nothing has
 * changed for a moment, and one reading ends before the next begins.
 */
export async function watchClaudeFolder(
  places: ClaudePlaces,
  loaded: ClaudeFolder,
  { quietMs = defaultQuietMs, onChange, onError }: WatchOptions,
): Promise<ClaudeWatch> {
  let folder: Followed = loaded;
  let timer: NodeJS.Timeout | undefined;
  let reading: Promise<void> = Promise.resolve();
  let isClosed = false;
  const read = async (): Promise<void> => {
    if (isClosed) return;
    await watchers.refresh();
    const before = folder;
    const change = compareFolders(before, await loadClaudeFolder(places));
    folder = { ...change.folder, agents: agentsAfter(change) };
    const hasNewTexts = textsOf(before) !== textsOf(change.folder);
    const isNews =
      hasNewTexts ||
      change.added.length + change.changed.length + change.removed.length + change.kept.length > 0;
    if (isNews) await onChange(change);
  };
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      reading = reading.then(read).catch(onError);
    }, quietMs);
  };
  const watchers = createFolderWatchers(
    placesOf(places).map(({ root }) => root),
    soon,
  );
  await watchers.refresh();
  // What changed since the folder was loaded.
  soon();
  return {
    get agents() {
      return folder.agents;
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await reading;
      watchers.close();
    },
  };
}

/** What agents are made of. */
type Followed = Pick<ClaudeFolder, "agents" | "skills" | "commands" | "permissions" | "hooks">;

/** Texts and hooks that agents look up while they work: nothing has to start anew for them. */
const textsOf = ({ skills, commands, hooks }: Followed): string =>
  JSON.stringify([[...skills, ...commands].map(({ definition }) => definition), hooks]);

/** A folder as it was and as it is now. A file that broke keeps its agent; one that went away does not. */
function compareFolders(before: Followed, folder: ClaudeFolder): ClaudeChange {
  const now = new Map(folder.agents.map((agent) => [keyOf(agent), agent]));
  const then = new Map(before.agents.map((agent) => [keyOf(agent), agent]));
  const placesNow = new Set(folder.agents.map(placeOf));
  const broken = new Map(
    folder.reports.filter(isBroken).map((report) => [placeOf(report), report.refusal?.why ?? ""]),
  );
  const gone = before.agents.filter((agent) => !now.has(keyOf(agent)));
  const kept = gone.filter((agent) => broken.has(placeOf(agent)) && !placesNow.has(placeOf(agent)));
  return {
    folder,
    added: folder.agents.filter((agent) => !then.has(keyOf(agent))),
    changed: folder.agents.filter((agent) => {
      const last = then.get(keyOf(agent));
      return last !== undefined && fingerprint(last, before) !== fingerprint(agent, folder);
    }),
    removed: gone.filter((agent) => !kept.includes(agent)),
    kept: kept.map((agent) => ({ agent, why: broken.get(placeOf(agent)) ?? "" })),
  };
}

const agentsAfter = ({ folder, kept }: ClaudeChange): Loaded<ClaudeAgent>[] => [
  ...folder.agents,
  ...kept.map(({ agent }) => agent),
];

/** A name that another file has taken, or a note, is no definition that broke. */
const isBroken = ({ kind, refusal }: ClaudeFileReport): boolean =>
  kind === "agent" && refusal !== null && refusal.code !== "overridden" && refusal.code !== "name_taken";

const keyOf = ({ definition }: Loaded<ClaudeAgent>): string => definition.name.toLowerCase();
const placeOf = ({ root, path }: { root: string; path: string }): string => join(root, path);

/** Changes with everything that an agent is registered with or works by. */
function fingerprint({ definition, root }: Loaded<ClaudeAgent>, { skills, permissions }: Followed): string {
  const own = skills.filter((skill) => definition.skills.includes(skill.definition.name));
  const texts = own.map((skill) => skill.definition.text);
  return createHash("sha256")
    .update(JSON.stringify([definition, root, texts, permissions]))
    .digest("hex");
}
