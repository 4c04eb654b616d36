import { relative, resolve, sep } from "node:path";
import type { TaskContext } from "@muster/sdk";
import type { HookMoment, HookVerdict, LoopHooks } from "../../agent-loop/loop-hooks.ts";
import type { Scrub } from "../../tools/create-scrubber.ts";
import type { Shell } from "../../tools/shell/shell.ts";
import { describeHook, type HookEvent, hookEvents } from "./claude-hook.ts";
import { type HookAnswer, readHookAnswer } from "./hook-answer.ts";
import { type FoundHook, type HookApprovals, type JudgedHook, lookAtHook } from "./hook-approvals.ts";
import { describeMoment } from "./hook-input.ts";
import { joinAnswers } from "./join-answers.ts";
import { matchesHook } from "./match-hook.ts";
import { runHook } from "./run-hook.ts";

export interface ClaudeHooksOptions {
  /** The hooks that hold for this agent, in their order, as they are now. */
  find: () => readonly FoundHook[];
  approvals: HookApprovals;
  /** That of the agents' commands, opened for the first hook that is due; a text says why there is none. */
  shell: () => Shell | string;
  agent: { id: string; name: string; permissionMode: string | null };
  /** The folder that the agent's `.claude` lies in, and where it works: another one where it has a working copy. */
  root: string;
  workspace: string;
  context: Pick<TaskContext, "taskId" | "log">;
  scrub: Scrub;
}

/** More than these are not asked at one moment. */
const mostAtOnce = 50;
const mostBeside = 8;
const loggedChars = 1_000;

/**
 * The hooks of a `.claude` folder for one attempt. One that nobody approved is not run. Before a call, one that has changed
 * since it was approved, or that can't be run for lack of a shell, refuses: a guard does not go away by being changed.
 */
export function createClaudeHooks(options: ClaudeHooksOptions): LoopHooks {
  const desk: Desk = { ...options, told: new Set() };
  return {
    wants: async (event, tool) => {
      const found = await judgeAll(desk, event, subjectOf(desk, event, tool));
      return found.some((one) => one.consent === "approved" || refusalOf(desk, one) !== undefined);
    },
    run: async (moment, signal) => {
      const tool = "call" in moment ? moment.call.name : undefined;
      const found = await judgeAll(desk, moment.event, subjectOf(desk, moment.event, tool));
      return answerAll(desk, found, moment, signal);
    },
  };
}

interface Desk extends ClaudeHooksOptions {
  /** What was said in this attempt, so that it is said once. */
  told: Set<string>;
}

/** What the matchers of an event are compared with; null: it has none. */
function subjectOf({ agent }: Desk, event: HookEvent, tool: string | undefined): string | null {
  switch (hookEvents[event]) {
    case "tool":
      return tool ?? "";
    case "agent":
      return agent.name;
    case "source":
      return "startup";
    case "trigger":
      return "auto";
    case "notification":
      return "permission_prompt";
    default:
      return null;
  }
}

async function judgeAll(desk: Desk, event: HookEvent, subject: string | null): Promise<JudgedHook[]> {
  const meant = desk
    .find()
    .filter(({ hook }) => hook.event === event && (subject === null || matchesHook(hook.matcher, subject)));
  const judged: JudgedHook[] = [];
  for (const found of meant.slice(0, mostAtOnce)) {
    const one = await judgeSafely(desk, found);
    judged.push(one);
    tellConsent(desk, one);
  }
  if (meant.length > mostAtOnce) tell(desk, "warn", `Only ${mostAtOnce} hooks of ${event} are asked.`);
  return judged;
}

/** Where nobody can tell what was approved, a guard is taken for one that has changed. */
async function judgeSafely(desk: Desk, found: FoundHook): Promise<JudgedHook> {
  const project = projectOf(desk, found);
  try {
    return await desk.approvals.judge(found, project);
  } catch (error) {
    const obstacle = error instanceof Error ? error.message : String(error);
    return { ...(await lookAtHook(found, project)), consent: "changed", obstacle };
  }
}

/** The project as a hook sees it: in a working copy where its file's folder is a part of that. */
function projectOf({ root, workspace }: Desk, { source }: FoundHook): string {
  const way = relative(root, source.root);
  const isOutside = way === ".." || way.startsWith(`..${sep}`);
  return isOutside ? source.root : resolve(workspace, way);
}

function tellConsent(desk: Desk, { hook, source, key, consent, obstacle }: JudgedHook): void {
  if (consent === "approved") return;
  const which = `The hook ${describeHook(hook)} of ${source.path} was not run`;
  const why =
    consent === "changed"
      ? "since it, or a file that it runs, is another than a person approved"
      : "since nobody approved it";
  const what = obstacle === null ? `\`muster hooks approve ${key}\` does that` : `it can't be: ${obstacle}`;
  tell(desk, "warn", `${which}, ${why}; ${what}.`);
}

/** Why a hook refuses without being run; undefined where it does not. */
function refusalOf(desk: Desk, { hook, source, key, consent }: JudgedHook): string | undefined {
  if (hook.event !== "PreToolUse" || consent === "unapproved") return undefined;
  const which = `the hook ${describeHook(hook)} of ${source.path}`;
  if (consent === "changed")
    return `${which} has changed since a person approved it. A person has to look at it: muster hooks approve ${key}`;
  const shell = desk.shell();
  return typeof shell === "string" ? `${which} can't be run: ${shell}` : undefined;
}

async function answerAll(
  desk: Desk,
  judged: readonly JudgedHook[],
  moment: HookMoment,
  signal: AbortSignal,
): Promise<HookVerdict> {
  const answers: HookVerdict[] = judged.flatMap((one) => {
    const refusal = refusalOf(desk, one);
    return refusal === undefined ? [] : [{ refusal }];
  });
  const due = withoutTwins(judged.filter(({ consent }) => consent === "approved"));
  const shell = due.length === 0 ? "" : desk.shell();
  if (typeof shell === "string") {
    if (due.length > 0) tell(desk, "warn", `Hooks of ${moment.event} were not run: ${shell}`);
  } else {
    for (let at = 0; at < due.length; at += mostBeside) {
      const group = due.slice(at, at + mostBeside);
      answers.push(...(await Promise.all(group.map((one) => answerOne(desk, shell, one, moment, signal)))));
    }
  }
  return scrubbed(joinAnswers(answers), desk.scrub);
}

/** The same command is run once, whoever names it. */
function withoutTwins(hooks: readonly JudgedHook[]): JudgedHook[] {
  const seen = new Set<string>();
  return hooks.filter(({ hook, source }) => {
    const what = JSON.stringify([source.root, hook.command]);
    return !seen.has(what) && seen.add(what);
  });
}

async function answerOne(
  desk: Desk,
  shell: Shell,
  judged: JudgedHook,
  moment: HookMoment,
  signal: AbortSignal,
): Promise<HookAnswer> {
  const { workspace, agent, context } = desk;
  const { hook } = judged;
  const project = projectOf(desk, judged);
  const input = describeMoment(moment, { agent, taskId: context.taskId, workspace });
  let answer: HookAnswer;
  try {
    answer = readHookAnswer(hook, await runHook(shell, judged, { workspace, project, input, signal }));
  } catch (error) {
    signal.throwIfAborted();
    const why = `It could not be started: ${error instanceof Error ? error.message : String(error)}`;
    answer = { fault: why, ...(hook.event === "PreToolUse" && { refusal: `it could not be started` }) };
  }
  tellAnswer(desk, judged, answer);
  return answer;
}

function tellAnswer(desk: Desk, { hook, source }: JudgedHook, answer: HookAnswer): void {
  const which = `Hook ${describeHook(hook)} of ${source.path}`;
  const { fault, note, refusal, ask, halt, input } = answer;
  const say = (level: "info" | "warn", what: string) =>
    desk.context.log(level, desk.scrub(`${which} ${what}`).slice(0, loggedChars));
  if (fault !== undefined) say("warn", `failed: ${fault}`);
  if (refusal !== undefined) say("info", `refused: ${refusal}`);
  if (halt !== undefined) say("warn", `ended the task: ${halt}`);
  if (ask !== undefined) say("info", "wants a person to be asked");
  if (input !== undefined) say("info", "changed the input of a call");
  if (note !== undefined) say("info", `says: ${note}`);
}

function tell(desk: Desk, level: "info" | "warn", what: string): void {
  if (desk.told.has(what)) return;
  desk.told.add(what);
  desk.context.log(level, desk.scrub(what).slice(0, loggedChars));
}

/** What becomes part of the journal and of what the model reads. An input is made, not shown. */
const scrubbed = (verdict: HookVerdict, scrub: Scrub): HookVerdict => ({
  ...verdict,
  ...(verdict.refusal !== undefined && { refusal: scrub(verdict.refusal) }),
  ...(verdict.context !== undefined && { context: scrub(verdict.context) }),
  ...(verdict.ask !== undefined && { ask: scrub(verdict.ask) }),
  ...(verdict.halt !== undefined && { halt: scrub(verdict.halt) }),
});
