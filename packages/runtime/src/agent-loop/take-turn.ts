import { AttemptError } from "@muster/sdk";
import { ModelError, type ModelRequest, type ModelTurn, type ToolCall } from "../llm/model.ts";
import { askModel } from "./ask-model.ts";
import { type Conversation, tokensOfText } from "./conversation.ts";
import type { HookSteps } from "./hook-steps.ts";
import type { CallMode, LoopEntry, RecordedCall, SummaryEntry, TurnEntry } from "./loop-entry.ts";
import type { CallHooks } from "./loop-hooks.ts";
import { type LoopUse, refuseBeyondLimits } from "./loop-limits.ts";
import type { LoopContext, LoopSettings } from "./loop-settings.ts";
import { prompts } from "./prompts.ts";
import { messagesToKeep, summaryRequestOf } from "./sum-up.ts";

/** Share of the context that is used before the older part is summed up; estimates may be off. */
const fullShare = 0.9;
/** Levels that the input of a call may have; the entry around it has some, and the protocol allows 64 in all. */
const inputDepth = 48;
const summaryTokens = 4_096;

export interface Position {
  /** Counts entries of the loop, from 1. */
  number: number;
  conversation: Conversation;
  use: LoopUse;
  /** When the first turn began: now, where this is it. */
  startedAt: number;
  /** The entry before was a summary: another one would not help. */
  isSummedUp: boolean;
  signal: AbortSignal;
  hooks: HookSteps | undefined;
}

/**
 * What comes next: an answer of the model, or a summary where the conversation would be too much for it. It is decided
 * here, within the step that records it, so that a replay does the same whatever has been configured since.
 */
export const takeTurn = async (
  context: LoopContext,
  settings: LoopSettings,
  position: Position,
): Promise<LoopEntry> => {
  const { conversation, use, number, hooks, signal } = position;
  refuseBeyondLimits(use, settings.limits, settings.now());
  const told = number === 1 ? await hooks?.start(settings.task, signal) : undefined;
  const isLast = use.turns + 1 >= settings.limits.turns;
  const heard = settings.hearing?.take();
  const letters = heard === undefined ? undefined : prompts.letters(heard);
  try {
    const last = [told, letters, isLast ? prompts.lastTurn : undefined].filter((word) => word !== undefined);
    const entry = await answerOrSumUp(context, settings, position, requestOf(settings, conversation, last));
    if (entry.kind === "turn")
      return {
        ...entry,
        ...(letters === undefined ? {} : { heard: letters }),
        ...(told === undefined ? {} : { told }),
      };
    if (heard !== undefined) settings.hearing?.giveBack(heard);
    return entry;
  } catch (error) {
    if (heard !== undefined) settings.hearing?.giveBack(heard);
    throw error;
  }
};

const answerOrSumUp = async (
  context: LoopContext,
  settings: LoopSettings,
  position: Position,
  request: ModelRequest,
): Promise<LoopEntry> => {
  const { conversation, isSummedUp } = position;
  const contextTokens = settings.model.estimate?.(request)?.contextTokens ?? settings.contextTokens;
  const room = contextTokens * fullShare - request.maxOutputTokens;
  const canSumUp = !isSummedUp && conversation.rest.length > 0;
  if (conversation.tokens > room && canSumUp) return sumUp(context, settings, position, contextTokens);
  try {
    return await answer(context, settings, position, request);
  } catch (error) {
    if (!(error instanceof ModelError && error.code === "context_overflow")) throw error;
    if (canSumUp) return sumUp(context, settings, position, Math.min(contextTokens, conversation.tokens));
    throw tooLarge(error);
  }
};

const requestOf = (
  settings: LoopSettings,
  conversation: Conversation,
  lastWords: readonly string[],
): ModelRequest => ({
  model: settings.modelName,
  system: settings.system,
  messages: conversation.messages(lastWords.length === 0 ? undefined : lastWords.join("\n\n")),
  // Providers want the tools that a conversation speaks of, also where none may be called any more.
  tools: settings.toolbox.specs,
  maxOutputTokens: settings.maxOutputTokens,
  ...(settings.temperature === undefined ? {} : { temperature: settings.temperature }),
  ...(settings.outputSchema === undefined ? {} : { outputSchema: settings.outputSchema }),
});

const answer = async (
  context: LoopContext,
  settings: LoopSettings,
  { number, conversation, use, startedAt, signal, hooks }: Position,
  request: ModelRequest,
): Promise<TurnEntry> => {
  const { taskId } = context;
  const { onText } = settings;
  const told = { taskId, turn: use.turns + 1 };
  const turn = await askModel(context, settings, {
    key: `${settings.name}:${number}`,
    request,
    inputTokens: conversation.tokens,
    signal,
    ...(onText && {
      onText: (delta: string) => onText({ ...told, delta, isRestart: false }),
      onRestarted: () => onText({ ...told, delta: "", isRestart: true }),
    }),
  }).finally(settings.onTurnEnd);
  refuseUnpriced(settings, turn);
  const { text, finish, continuation } = turn;
  const prefix = `${taskId}_${settings.name}_${number}`;
  const calls = await withHooks(hooks, recordCalls(turn.toolCalls, settings, prefix));
  const entry: TurnEntry = { kind: "turn", text, calls, finish, ...countedOf(turn, startedAt) };
  if (calls.length === 0 && (await hooks?.wantsEnd()) === true) entry.mayBeHeld = true;
  return continuation === undefined ? entry : { ...entry, continuation };
};

const sumUp = async (
  context: LoopContext,
  settings: LoopSettings,
  { number, conversation, startedAt, signal, hooks }: Position,
  contextTokens: number,
): Promise<SummaryEntry> => {
  await hooks?.beforeSummary(number, signal);
  const kept = messagesToKeep(conversation.rest, contextTokens);
  const messages = summaryRequestOf(conversation, kept, contextTokens);
  const request: ModelRequest = {
    model: settings.modelName,
    system: settings.system,
    messages,
    tools: [],
    maxOutputTokens: Math.min(summaryTokens, settings.maxOutputTokens),
  };
  const turn = await askModel(context, settings, {
    key: `${settings.name}:${number}:summary`,
    request,
    inputTokens: tokensOfText(JSON.stringify(messages)) + tokensOfText(settings.system),
    signal,
  });
  if (turn.text.trim() === "") {
    throw new AttemptError("The model gave no summary of a conversation that is too long for it.", {
      code: "no_summary",
      retryable: true,
    });
  }
  return { kind: "summary", text: turn.text, kept, ...countedOf(turn, startedAt) };
};

const countedOf = ({ usage, costMicros, provider, model }: ModelTurn, startedAt: number) => ({
  startedAt,
  usage,
  costMicros,
  provider,
  model,
});

const recordCalls = (
  calls: readonly ToolCall[],
  { toolbox, limits }: LoopSettings,
  prefix: string,
): RecordedCall[] => {
  const refs = new Set<string>();
  return calls.map(({ id: given, name, input }, index) => {
    const id = `${prefix}_${index}`;
    // Some servers give none, or the same one to all.
    const ref = given === "" || refs.has(given) ? id : given;
    refs.add(ref);
    if (index >= limits.callsPerTurn) return { id, ref, name, input: null, mode: "refused" };
    if (!isShallow(input, inputDepth)) return { id, ref, name, input: null, mode: "too-deep" };
    return { id, ref, name, input: input ?? null, mode: modeOf(toolbox, name) };
  });
};

/** Each call with the sides on which it has hooks, so that a replay asks for the entries that there are. */
const withHooks = async (
  hooks: HookSteps | undefined,
  calls: readonly RecordedCall[],
): Promise<RecordedCall[]> => {
  if (hooks === undefined) return [...calls];
  const sides = new Map<string, CallHooks | undefined>();
  for (const { name } of calls) if (!sides.has(name)) sides.set(name, await hooks.around(name));
  return calls.map((call) => {
    const found = sides.get(call.name);
    return found === undefined ? call : { ...call, hooks: found };
  });
};

const modeOf = (toolbox: LoopSettings["toolbox"], name: string): CallMode => {
  if (toolbox.isParallel(name)) return "parallel";
  return toolbox.isRepeatable?.(name) ? "repeatable" : "once";
};

const isShallow = (value: unknown, levels: number): boolean => {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
};

/** A limit on money that counts nothing would be none. */
const refuseUnpriced = ({ limits }: LoopSettings, { costMicros, provider, model }: ModelTurn): void => {
  if (limits.moneyMicros === undefined || costMicros !== null) return;
  throw new AttemptError(
    `The price of ${provider}/${model} is not known, so the agent's limit on money can't be kept. Add the model to the price table, or take the limit away.`,
    { code: "unpriced_model", retryable: false },
  );
};

const tooLarge = (cause: ModelError): AttemptError =>
  new AttemptError(
    `The task is too large for the model, also after summing up: ${cause.message} Hand over less at once, or use a model that takes more.`,
    { code: "context_overflow", retryable: false, cause },
  );
