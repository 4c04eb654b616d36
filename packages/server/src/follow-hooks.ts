import { mkdirSync } from "node:fs";
import { type Shell, watchFiles } from "@muster/runtime";
import {
  type ClaudeAgent,
  type ClaudeFolder,
  describeHook,
  type FoundHook,
  findAgentHooks,
  findHooks,
  findSettingsHooks,
  type HookApprovals,
  type HookSource,
  type JudgedHook,
  type Loaded,
} from "@muster/runtime/claude-folder";
import { hookApprovalsFile, hooksFolder, openHookApprovals } from "./claude-hooks.ts";

export interface FollowHooksOptions {
  folder: string;
  env: Readonly<Record<string, string | undefined>>;
  /** What would run them; a text says why nothing can. Asked only where a hook is approved. */
  shell: () => Shell | string;
  /** Told, in sentences, what people should know. */
  say: (sentence: string) => void;
  quietMs?: number | undefined;
}

export interface FollowedHooks {
  /** Undefined where approvals could not be kept safely: then nothing runs. */
  readonly approvals: HookApprovals | undefined;
  /** The folder as it is now; says what is new about its hooks. */
  refresh(folder: ClaudeFolder): Promise<void>;
  /** Those that hold for an agent, as things stand now. */
  for(agent: Loaded<ClaudeAgent>): readonly FoundHook[];
  close(): void;
}

const mostTold = 10;

/** Follows which hooks there are and which of them a person approved, and says so. It runs none. */
export function followHooks(options: FollowHooksOptions): FollowedHooks {
  const { env, say } = options;
  let now: ClaudeFolder | undefined;
  let settings: readonly HookSource[] = [];
  let turn: Promise<void> = Promise.resolve();
  const told = new Set<string>();
  const opened = open(options);
  const tell = async (): Promise<void> => {
    if (now === undefined) return;
    const lines = await linesOf(now, opened, options.shell);
    for (const line of told) if (!lines.includes(line)) told.delete(line);
    for (const line of lines) {
      if (told.has(line)) continue;
      told.add(line);
      say(line);
    }
  };
  const tellSafely = (): Promise<void> => {
    turn = turn
      .then(tell)
      .catch((error: unknown) => say(`hooks could not be looked at: ${messageOf(error)}`));
    return turn;
  };
  // Only for what is said: what is approved is looked up when a hook is due.
  const unfollow = watchFiles([hookApprovalsFile(env)], () => void tellSafely(), options.quietMs);
  return {
    approvals: "approvals" in opened ? opened.approvals : undefined,
    refresh: (folder) => {
      now = folder;
      settings = findSettingsHooks(folder.hooks);
      return tellSafely();
    },
    for: (agent) => {
      const own = now?.hooks.offIn === null ? findAgentHooks(agent) : [];
      return [...settings, ...own].flatMap((source) => source.hooks.map((hook) => ({ hook, source })));
    },
    close: unfollow,
  };
}

type Opened = { approvals: HookApprovals } | { why: string };

function open({ env, folder }: FollowHooksOptions): Opened {
  try {
    const approvals = openHookApprovals(env, folder);
    // So that it can be watched; a home that can't be written to holds no approvals.
    mkdirSync(hooksFolder(env), { recursive: true, mode: 0o700 });
    return { approvals };
  } catch (error) {
    return { why: messageOf(error) };
  }
}

async function linesOf(
  folder: ClaudeFolder,
  opened: Opened,
  shell: FollowHooksOptions["shell"],
): Promise<string[]> {
  const found = findHooks(folder).flatMap((source) => source.hooks.map((hook) => ({ hook, source })));
  if (found.length === 0) return [];
  if ("why" in opened) return [`no hook of .claude is run: ${opened.why}`];
  const judged: JudgedHook[] = [];
  for (const one of found) judged.push(await opened.approvals.judge(one));
  const approved = judged.filter(({ consent }) => consent === "approved").length;
  const others = judged.filter(({ consent }) => consent !== "approved");
  const more = others.length - mostTold;
  return [
    ...(approved === 0 ? [] : [approvedLine(approved, shell())]),
    ...others.slice(0, mostTold).map(lineOf),
    ...(more > 0 ? [`${more} more hooks of .claude are NOT run; \`muster hooks list\` shows them`] : []),
  ];
}

const approvedLine = (approved: number, shell: Shell | string): string =>
  typeof shell === "string"
    ? `hooks of .claude that are approved can NOT be run, and the calls that they guard are refused: ${shell}`
    : `hooks of .claude that run, as they were approved: ${approved}${shell.warning === null ? "" : ` — ${shell.warning}`}`;

function lineOf({ hook, source, key, consent, obstacle }: JudgedHook): string {
  const which = `hook ${describeHook(hook)} (${source.file})`;
  const why =
    consent === "changed"
      ? "it, or a file that it runs, is another than was approved"
      : "nobody approved it as it stands now";
  const guard =
    consent === "changed" && hook.event === "PreToolUse" ? ", and the calls that it guards are refused" : "";
  const then = obstacle === null ? `look at it, then: muster hooks approve ${key}` : `${obstacle}`;
  return `${which} is NOT run, since ${why}${guard}: ${hook.command.slice(0, 200)} — ${then}`;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
