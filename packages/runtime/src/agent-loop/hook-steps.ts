import { AttemptError } from "@muster/sdk";
import type { Entries } from "./journal-entries.ts";
import type { RecordedCall, ResultEntry } from "./loop-entry.ts";
import type { CallHooks, HookVerdict, LoopHooks } from "./loop-hooks.ts";
import { prompts } from "./prompts.ts";

/** How often an end may be held back; then the work ends whatever a hook says. */
export const mostHolds = 8;

/**
 * Hooks as steps of the loop: what they came to is an entry before anything follows from it, so that a replay decides the
 * same and runs none of them again.
 */
export interface HookSteps {
  /** What is said at the start, for the model. Within the step of the first turn, so that it is asked only before that. */
  start(task: string, signal: AbortSignal): Promise<string | undefined>;
  /** On which sides a call of this tool has hooks. */
  around(tool: string): Promise<CallHooks | undefined>;
  before(key: string, call: RecordedCall, signal: AbortSignal): Promise<HookVerdict>;
  /** The result with what is said of it. */
  after(key: string, call: RecordedCall, result: ResultEntry, signal: AbortSignal): Promise<ResultEntry>;
  /** Whether anybody wants to be asked about an end. */
  wantsEnd(): Promise<boolean>;
  /** Why the work goes on, for the model; undefined where it may end. */
  end(number: number, text: string, isActive: boolean, signal: AbortSignal): Promise<string | undefined>;
  beforeSummary(number: number, signal: AbortSignal): Promise<void>;
}

const starts = ["SessionStart", "SubagentStart", "UserPromptSubmit"] as const;
const ends = ["Stop", "SubagentStop"] as const;

export const createHookSteps = (hooks: LoopHooks, entries: Entries): HookSteps => ({
  async start(task, signal) {
    const said: string[] = [];
    for (const event of starts) {
      if (!(await hooks.wants(event))) continue;
      const moment = event === "UserPromptSubmit" ? { event, prompt: task } : { event };
      const verdict = await entries.step(`hook:${event}`, () => hooks.run(moment, signal));
      goOn(verdict);
      if (event === "UserPromptSubmit" && verdict.refusal !== undefined) throw refused(verdict.refusal);
      if (verdict.context !== undefined) said.push(verdict.context);
    }
    return said.length === 0 ? undefined : prompts.hookContext(said.join("\n\n"));
  },

  async around(tool) {
    const [before, success, failure] = [
      await hooks.wants("PreToolUse", tool),
      await hooks.wants("PostToolUse", tool),
      await hooks.wants("PostToolUseFailure", tool),
    ];
    if (!before && !success && !failure) return undefined;
    return { ...(before && { before }), ...((success || failure) && { after: true as const }) };
  },

  async before(key, call, signal) {
    const moment = { event: "PreToolUse", call: toolCallOf(call) } as const;
    const verdict = await entries.step(`${key}:before`, () => hooks.run(moment, signal));
    return goOn(verdict);
  },

  async after(key, call, result, signal) {
    const event = result.isError ? "PostToolUseFailure" : "PostToolUse";
    const { content, isError } = result;
    const moment = { event, call: toolCallOf(call), outcome: { content, isError } } as const;
    const verdict = await entries.step(`${key}:after`, () => hooks.run(moment, signal));
    const { refusal, context } = goOn(verdict);
    const said = [
      ...(refusal === undefined ? [] : [prompts.hookComplaint(refusal)]),
      ...(context === undefined ? [] : [prompts.hookContext(context)]),
    ];
    return said.length === 0 ? result : { ...result, content: [content, ...said].join("\n\n") };
  },

  async wantsEnd() {
    for (const event of ends) if (await hooks.wants(event)) return true;
    return false;
  },

  async end(number, text, isActive, signal) {
    const verdicts = await entries.step(`${number}:end`, () =>
      Promise.all(ends.map((event) => hooks.run({ event, isActive, text }, signal))),
    );
    // Who says that everything is to stop goes before who says that it is to go on.
    if (verdicts.some(({ halt }) => halt !== undefined)) return undefined;
    const reasons = verdicts.flatMap(({ refusal }) => refusal ?? []);
    return reasons.length === 0 ? undefined : prompts.hookHolds(reasons.join("\n\n"));
  },

  async beforeSummary(number, signal) {
    if (!(await hooks.wants("PreCompact"))) return;
    await entries.step(`${number}:hook:PreCompact`, () => hooks.run({ event: "PreCompact" }, signal));
  },
});

const toolCallOf = ({ id, name, input }: RecordedCall) => ({ id, name, input });

/** Throws where a hook ends the task. */
const goOn = (verdict: HookVerdict): HookVerdict => {
  if (verdict.halt === undefined) return verdict;
  throw new AttemptError(`A hook of the project ended the task: ${verdict.halt}`, {
    code: "stopped_by_hook",
    retryable: false,
  });
};

const refused = (reason: string): AttemptError =>
  new AttemptError(`A hook of the project refused the task: ${reason}`, {
    code: "refused_by_hook",
    retryable: false,
  });
