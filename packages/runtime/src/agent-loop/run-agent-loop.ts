import { AttemptError, MusterError } from "@muster/sdk";
import { callTools } from "./call-tools.ts";
import { Conversation, tokensOfText } from "./conversation.ts";
import { createDeadline, type Deadline } from "./deadline.ts";
import { createHookSteps, type HookSteps, mostHolds } from "./hook-steps.ts";
import { createEntries, type Entries } from "./journal-entries.ts";
import type { LoopEntry, TurnEntry } from "./loop-entry.ts";
import { type LoopUse, timeIsOver } from "./loop-limits.ts";
import type { LoopContext, LoopSettings } from "./loop-settings.ts";
import { createRepeats } from "./notice-repeats.ts";
import { prompts } from "./prompts.ts";
import { takeTurn } from "./take-turn.ts";

/**
 * The agent loop: the model answers, the tools that it calls are called, it answers again, until it calls none and its
 * answer is what the capability promises.
 *
 * It is a function of the journal. Every answer and every result is an entry before anything follows from it, and what
 * the loop decides by clock, chance or configuration is decided within the step that records it. So a process that is
 * killed at any point is followed by one that reads the same entries, comes to the same point and goes on from there.
 */
export const runAgentLoop = async (context: LoopContext, settings: LoopSettings): Promise<unknown> => {
  const entries = createEntries(context, settings.name);
  const loop: Loop = {
    context,
    settings,
    entries,
    hooks: settings.hooks && createHookSteps(settings.hooks, entries),
    conversation: new Conversation(settings.task, overheadOf(settings)),
    use: { startedAt: undefined, turns: 0, tokens: 0, moneyMicros: 0 },
    deadline: createDeadline(context.signal, settings.limits.timeMs, settings.now),
    noticeRepeats: createRepeats(settings.limits),
    faults: 0,
    holds: 0,
    isSummedUp: false,
  };
  try {
    for (let number = 1; ; number++) {
      const outcome = await advance(loop, number);
      if (outcome !== undefined) return outcome.output;
    }
  } catch (error) {
    // What the orchestrator says of the task goes before what the clock says.
    const isOurs = loop.deadline.isOver && !context.signal.aborted && !(error instanceof MusterError);
    throw isOurs ? timeIsOver(settings.limits) : error;
  } finally {
    loop.deadline.stop();
  }
};

interface Loop {
  context: LoopContext;
  settings: LoopSettings;
  entries: Entries;
  hooks: HookSteps | undefined;
  conversation: Conversation;
  use: LoopUse;
  deadline: Deadline;
  noticeRepeats: ReturnType<typeof createRepeats>;
  /** Answers that could not be taken. */
  faults: number;
  /** Ends that a hook held back. */
  holds: number;
  isSummedUp: boolean;
}

/** One entry of the loop and everything that follows from it; the task's output where that was the end. */
const advance = async (loop: Loop, number: number): Promise<{ output: unknown } | undefined> => {
  const { conversation } = loop;
  const entry = await nextEntry(loop, number);
  count(loop, entry);
  loop.isSummedUp = entry.kind === "summary";
  if (entry.kind === "summary") {
    conversation.sumUp(entry.text, entry.kept);
    return undefined;
  }
  if (entry.told !== undefined) conversation.addUser(entry.told);
  if (entry.heard !== undefined) conversation.addUser(entry.heard);
  conversation.addTurn(entry);
  if (entry.calls.length === 0) return conclude(loop, number, entry);
  await makeCalls(loop, number, entry);
  return undefined;
};

const nextEntry = ({ context, settings, entries, ...loop }: Loop, number: number): Promise<LoopEntry> =>
  entries.step(String(number), async () => {
    const { conversation, use, isSummedUp, deadline } = loop;
    const startedAt = use.startedAt ?? settings.now();
    deadline.start(startedAt);
    const { signal } = deadline;
    const position = { number, conversation, use, startedAt, isSummedUp, signal, hooks: loop.hooks };
    const entry = await takeTurn(context, settings, position);
    tell(context, entry, use.turns + 1);
    return entry;
  });

const count = ({ use, deadline }: Loop, entry: LoopEntry): void => {
  use.startedAt ??= entry.startedAt;
  deadline.start(use.startedAt);
  use.tokens += entry.usage.inputTokens + entry.usage.outputTokens;
  use.moneyMicros += entry.costMicros ?? 0;
  if (entry.kind === "turn") use.turns++;
};

const makeCalls = async (loop: Loop, number: number, { calls }: TurnEntry): Promise<void> => {
  const { context, settings, entries, hooks, conversation, use, deadline } = loop;
  const { toolbox, limits } = settings;
  // What the last turn calls can't help any more, and nobody would see what came of it.
  if (use.turns >= limits.turns) return;
  const host = { entries, toolbox, hooks, limits, attempt: context.attempt, signal: deadline.signal };
  const results = await callTools(host, number, calls);
  conversation.addResults(calls, results);
  const warning = loop.noticeRepeats(calls, results);
  if (warning !== undefined) conversation.addUser(warning);
};

const conclude = async (
  loop: Loop,
  number: number,
  entry: TurnEntry,
): Promise<{ output: unknown } | undefined> => {
  const { settings, conversation } = loop;
  if (entry.finish === "refused") throw refusedTask(entry);
  const verdict = entry.finish === "length" ? { fault: prompts.wasCut } : settings.judge(entry.text);
  if ("output" in verdict) return (await isHeld(loop, number, entry)) ? undefined : verdict;
  loop.faults++;
  if (loop.faults > settings.limits.repairs) throw neverRight(loop.faults, verdict.fault);
  conversation.addUser(entry.finish === "length" ? prompts.wasCut : prompts.repair(verdict.fault));
  return undefined;
};

/** Whether a hook wants the work to go on. It can't where there is no turn left, or where it said so too often. */
const isHeld = async (loop: Loop, number: number, { mayBeHeld, text }: TurnEntry): Promise<boolean> => {
  const { context, settings, hooks, holds, use, deadline } = loop;
  if (mayBeHeld !== true || hooks === undefined || use.turns >= settings.limits.turns) return false;
  if (holds >= mostHolds) {
    context.log("warn", `Hooks held the end back ${mostHolds} times; the task ends all the same.`);
    return false;
  }
  const reason = await hooks.end(number, text, holds > 0, deadline.signal);
  if (reason === undefined) return false;
  loop.holds++;
  loop.conversation.addUser(reason);
  return true;
};

/** For whoever follows the task: what each call was and cost. Only of new ones, and nothing waits for it. */
const tell = (context: LoopContext, entry: LoopEntry, turn: number): void => {
  const { provider, model, usage, costMicros } = entry;
  const fields = { provider, model, ...usage, costMicros };
  const calls = entry.kind === "turn" ? entry.calls : [];
  const names = [...new Set(calls.map(({ name }) => name))].slice(0, 10).join(", ");
  const what = names === "" ? "an answer" : names;
  const message = entry.kind === "turn" ? `Turn ${turn}: ${what}` : "The conversation was summed up.";
  context.log("info", message, fields);
};

const overheadOf = ({ system, toolbox, outputSchema }: LoopSettings): number =>
  tokensOfText(system) + tokensOfText(JSON.stringify([toolbox.specs, outputSchema ?? null]));

const refusedTask = ({ provider, model, text }: TurnEntry): AttemptError =>
  new AttemptError(
    `${provider}/${model} refused the task: ${text.slice(0, 1_000) || "it said nothing more"}`,
    {
      code: "model_refused",
      retryable: false,
    },
  );

const neverRight = (answers: number, fault: string): AttemptError =>
  new AttemptError(`The model gave ${answers} answers that can't be taken. The last one: ${fault}`, {
    code: "invalid_output",
    retryable: false,
  });
