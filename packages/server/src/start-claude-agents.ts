import { realpathSync } from "node:fs";
import {
  claudeAgentId,
  createBashTool,
  createClaudeHooks,
  createModelRouter,
  createScrubber,
  defaultProviders,
  type ModelRouter,
  type ModelSettings,
  openShell,
  type Scrub,
  type Shell,
  type Tool,
} from "@muster/runtime";
import {
  type ClaudeAgent,
  type ClaudeChange,
  type ClaudeFolder,
  isMistake,
  type Loaded,
  loadClaudeFolder,
  missingSkills,
  placesOf,
  watchClaudeFolder,
} from "@muster/runtime/claude-folder";
import { type AgentDefinition, MusterError, type RunningAgent } from "@muster/sdk";
import {
  type ClaudeSurroundings,
  createClaudeDefinition,
  createWaitingDefinition,
} from "./claude-definition.ts";
import { type FollowedHooks, followHooks } from "./follow-hooks.ts";

export interface ClaudeAgentsOptions {
  /** The folder that `.claude` lies in; those above it count as far as the repository goes. */
  folder: string;
  /** What keys of providers are taken from. */
  env: Readonly<Record<string, string | undefined>>;
  /** Which models there are; by default the three providers, as far as their keys are there. */
  models?: ModelSettings | undefined;
  /** Joins an orchestrator. */
  start: (definition: AgentDefinition) => Promise<RunningAgent>;
  /** Takes an agent out of discovery. */
  putAside: (agentId: string) => Promise<unknown>;
  /** Tools of MCP servers that an agent may have beside the built-in ones, as they are now. */
  mcpTools?: (agent: string) => readonly Tool[];
  /** Told after the folder changed, and before its agents do. */
  onFolder?: () => void;
  /** Told, in sentences, what people should know. */
  say: (sentence: string) => void;
  /** What runs commands and hooks; bubblewrap by default. Throws where nothing may. */
  openShell?: () => Shell;
  /** For so long nothing may change before a changed folder is read again. */
  quietMs?: number;
}

export interface RunningClaudeAgents {
  /** Names of those that are registered now. */
  readonly names: readonly string[];
  /** Follows the folder no longer. */
  unfollow(): Promise<void>;
  /** The same, and lets go of the models; the agents end with their orchestrator. */
  close(): Promise<void>;
}

/** What an agent has under way when its file changes goes on from its journal, as another attempt. */
const changeGraceMs = 2_000;
const mostNamed = 20;

/**
 * Registers every agent of a `.claude` folder, and follows its files. Without a key for any provider they are registered
 * all the same and put aside: they are seen and found, and what is handed to them waits for a key and does not fail.
 */
export async function startClaudeAgents(
  options: ClaudeAgentsOptions,
): Promise<RunningClaudeAgents | undefined> {
  const places = { folder: options.folder, above: true };
  const folder = await loadClaudeFolder(places);
  if (folder.reports.every(({ kind }) => kind !== "agent")) return undefined;
  const router = await createModelRouter({
    settings: options.models ?? { providers: defaultProviders },
    environment: options.env,
  });
  const crew = new Crew(options, router, await missingKeys(router));
  await crew.begin(folder);
  const watch = await watchClaudeFolder(places, folder, {
    ...(options.quietMs === undefined ? {} : { quietMs: options.quietMs }),
    onChange: (change) => {
      options.onFolder?.();
      return crew.change(change);
    },
    onError: (error) => options.say(`.claude could not be read again: ${messageOf(error)}`),
  });
  return {
    get names() {
      return crew.names;
    },
    async unfollow() {
      crew.unfollowHooks();
      await watch.close();
    },
    async close() {
      crew.unfollowHooks();
      await watch.close();
      await router.close();
    },
  };
}

/** The variables that would bring a model, where none can be called; undefined where one can. */
async function missingKeys(router: ModelRouter): Promise<string[] | undefined> {
  const { providers } = await router.diagnose();
  if (providers.some(({ state }) => state !== "no_key")) return undefined;
  return [...new Set(providers.flatMap(({ keyVariable }) => keyVariable ?? []))];
}

/** The agents of one folder that are registered. */
class Crew {
  readonly #options: ClaudeAgentsOptions;
  readonly #router: ModelRouter;
  readonly #hooks: FollowedHooks;
  readonly #missing: readonly string[] | undefined;
  readonly #running = new Map<string, RunningAgent>();
  /** What was said last of a file that broke, so that it is said once. */
  readonly #told = new Map<string, string>();
  readonly #scrub: Scrub;
  #folder: ClaudeFolder | undefined;
  /** Opened for the first agent that may run commands, or has hooks; a text says why there is none. */
  #shell: Shell | string | undefined;

  constructor(options: ClaudeAgentsOptions, router: ModelRouter, missing: readonly string[] | undefined) {
    this.#options = options;
    this.#hooks = followHooks({ ...options, shell: () => this.#openedShell() });
    this.#scrub = createScrubber({ env: options.env });
    this.#router = router;
    this.#missing = missing;
  }

  get names(): string[] {
    return [...this.#running.keys()];
  }

  unfollowHooks(): void {
    this.#hooks.close();
  }

  async begin(folder: ClaudeFolder): Promise<void> {
    this.#folder = folder;
    await this.#hooks.refresh(folder);
    for (const agent of folder.agents) await this.#start(agent);
    const { say } = this.#options;
    const names = this.names;
    const more = names.length > mostNamed ? `, and ${names.length - mostNamed} more` : "";
    say(`agents of .claude: ${names.slice(0, mostNamed).join(", ") || "none"}${more}`);
    const mistakes = folder.reports.filter(isMistake).length;
    const repaired = folder.reports.filter(({ status }) => status === "repaired").length;
    if (mistakes + repaired > 0)
      say(
        `of .claude, ${count(repaired, "file")} had to be repaired and ${count(mistakes, "file")} could not be loaded; \`muster agents check\` says why`,
      );
    if (this.#missing !== undefined && names.length > 0)
      say(
        `no model can be reached: set ${orList(this.#missing)} and start again. Until then these agents are in maintenance: they can be found, and their tasks wait`,
      );
  }

  async change({ folder, added, changed, removed, kept }: ClaudeChange): Promise<void> {
    this.#folder = folder;
    await this.#hooks.refresh(folder);
    const { say } = this.#options;
    for (const { definition } of [...removed, ...changed]) await this.#stop(definition.name);
    for (const agent of [...changed, ...added]) await this.#start(agent);
    const news = [
      ...added.map(({ definition }) => `${definition.name} is new`),
      ...changed.map(({ definition }) => `${definition.name} changed`),
      ...removed.map(({ definition }) => `${definition.name} is gone`),
    ];
    if (news.length > 0) say(`agents of .claude: ${news.slice(0, mostNamed).join(", ")}`);
    const stillBroken = new Set(kept.map(({ agent }) => agent.definition.name));
    for (const name of this.#told.keys()) if (!stillBroken.has(name)) this.#told.delete(name);
    for (const { agent, why } of kept) {
      if (this.#told.get(agent.definition.name) === why) continue;
      this.#told.set(agent.definition.name, why);
      say(`${agent.definition.name} goes on as it was, since ${agent.path} can't be loaded any more: ${why}`);
    }
  }

  #toolsFor({ tools }: ClaudeAgent): readonly Tool[] {
    if (tools !== null && !tools.some(isBash)) return [];
    const shell = this.#openedShell();
    return typeof shell === "string" ? [] : [createBashTool(shell)];
  }

  /** Commands run in a sandbox or not at all; without one the agents work with their other tools. */
  #openedShell(): Shell | string {
    this.#shell ??= this.#openShell();
    return this.#shell;
  }

  #openShell(): Shell | string {
    const { env, say } = this.#options;
    try {
      return this.#options.openShell?.() ?? openShell({ env, settingsFolders: this.#settingsFolders() });
    } catch (error) {
      const hint = error instanceof MusterError && error.hint !== undefined ? ` ${error.hint}` : "";
      say(`agents of .claude run no commands, and no hooks: ${messageOf(error)}${hint}`);
      return `${messageOf(error)}${hint}`;
    }
  }

  /** An agent of a folder above works in this one, too. */
  #settingsFolders(): string[] {
    return placesOf({ folder: this.#options.folder, above: true }).map(({ root }) => realpathSync(root));
  }

  /** The hooks of the folder as they are when they are due, for one attempt of an agent. */
  #hooksFor(agent: Loaded<ClaudeAgent>): ClaudeSurroundings["hooks"] {
    const { approvals } = this.#hooks;
    if (approvals === undefined) return undefined;
    const { name, permissionMode } = agent.definition;
    return (workspace, context) => {
      const find = () => this.#hooks.for(agent);
      return createClaudeHooks({
        find,
        approvals,
        shell: () => this.#openedShell(),
        agent: { id: claudeAgentId(agent.definition), name, permissionMode },
        root: realpathSync(agent.root),
        workspace,
        context,
        scrub: this.#scrub,
      });
    };
  }

  /** One agent that can't be registered keeps no other from it. */
  async #start(agent: Loaded<ClaudeAgent>): Promise<void> {
    const { name } = agent.definition;
    const { say, start, putAside } = this.#options;
    try {
      if (this.#missing === undefined) {
        const skills = this.#folder?.skills ?? [];
        const missing = missingSkills(agent.definition, skills);
        if (missing.length > 0) say(`${name} names skills that are not there: ${missing.join(", ")}`);
        const permissions = this.#folder?.permissions ?? { deny: ["*"], ask: [] };
        const prompts = () => [...(this.#folder?.skills ?? []), ...(this.#folder?.commands ?? [])];
        const own = this.#toolsFor(agent.definition);
        const tools = () => [...own, ...(this.#options.mcpTools?.(name) ?? [])];
        const hooks = this.#hooksFor(agent);
        const surroundings = {
          model: this.#router,
          skills,
          prompts,
          permissions,
          tools,
          hooks,
          scrub: this.#scrub,
          env: this.#options.env,
        };
        this.#running.set(name, await start(createClaudeDefinition(agent, surroundings)));
        return;
      }
      const running = await start(createWaitingDefinition(agent, this.#missing));
      this.#running.set(name, running);
      if (running.id !== undefined) await putAside(running.id).catch((error) => this.#withdraw(name, error));
    } catch (error) {
      say(`${name} of ${agent.path} could not be started: ${messageOf(error)}`);
    }
  }

  /** One that can't be put aside would be given work that it can't do. */
  async #withdraw(name: string, error: unknown): Promise<never> {
    await this.#stop(name);
    throw error;
  }

  async #stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    this.#running.delete(name);
    await running?.stop(changeGraceMs);
  }
}

const isBash = (rule: string): boolean => /^Bash(?:\(|$)/.test(rule);
const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? "a key";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}
