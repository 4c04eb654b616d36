import { admitBy } from "../tools/ask-first.ts";
import type { Toolbox, ToolOutcome } from "../tools/tool.ts";
import type { HookSteps } from "./hook-steps.ts";
import type { Entries } from "./journal-entries.ts";
import type { RecordedCall, ResultEntry } from "./loop-entry.ts";
import type { HookVerdict } from "./loop-hooks.ts";
import type { LoopLimits } from "./loop-limits.ts";
import { prompts } from "./prompts.ts";

export interface CallHost {
  entries: Entries;
  toolbox: Toolbox;
  hooks: HookSteps | undefined;
  limits: LoopLimits;
  /** Counts attempts, for whoever reads the journal. */
  attempt: number;
  signal: AbortSignal;
}

/** The entry of one call, by its place: the turn's number and its own among the turn's calls. */
const keyOf = (turn: number, index: number): string => `${turn}.${index}`;

/**
 * Makes the calls of a turn: those that allow it side by side, the others one after the other and in their order. Each
 * result is an entry of its own before anything follows from it.
 */
export const callTools = async (
  host: CallHost,
  turn: number,
  calls: readonly RecordedCall[],
): Promise<ResultEntry[]> => {
  const results: ResultEntry[] = [];
  for (let next = 0; next < calls.length; ) {
    const beside = lengthOfGroup(calls, next);
    const group = calls.slice(next, next + beside);
    const first = next;
    // What comes later in a turn may rest on what came before.
    const isUnsure = results.some((result) => result.isUnknown);
    const done = await sideBySide(group, host.limits.callsAtOnce, async (call, index) =>
      isUnsure && call.mode === "once"
        ? told(prompts.behindUnknown)
        : makeCall(host, keyOf(turn, first + index), call),
    );
    results.push(...done);
    next += beside;
  }
  return results;
};

/** How many calls from here on may be under way together. */
const lengthOfGroup = (calls: readonly RecordedCall[], from: number): number => {
  let length = 0;
  while (calls[from + length]?.mode === "parallel") length++;
  return Math.max(1, length);
};

const makeCall = async (host: CallHost, key: string, call: RecordedCall): Promise<ResultEntry> => {
  const { limits } = host;
  if (call.mode === "refused") return told(prompts.tooManyCalls(limits.callsPerTurn));
  if (call.mode === "too-deep") return told(prompts.tooDeep);
  return call.hooks === undefined ? makePlain(host, key, call) : makeHooked(host, key, call);
};

/**
 * A call with what the project has done around it. What was decided before stands in an entry of its own, so that it is
 * decided once, however often the call is tried.
 */
const makeHooked = async (host: CallHost, key: string, call: RecordedCall): Promise<ResultEntry> => {
  const { hooks, signal } = host;
  // The journal says that a hook was to be asked, and nobody here can.
  if (hooks === undefined) return told(prompts.hookRefusal(call.name, "it can't be asked here"));
  const verdict = call.hooks?.before === true ? await hooks.before(key, call, signal) : {};
  if (verdict.refusal !== undefined) return told(prompts.hookRefusal(call.name, verdict.refusal));
  const made = verdict.input === undefined ? call : { ...call, input: verdict.input.value };
  const result = noted(await makePlain(host, key, made, verdict.ask), verdict);
  if (call.hooks?.after !== true || result.isRefused || result.isUnknown) return result;
  return hooks.after(key, made, result, signal);
};

/** A model that sees the result of another call than its own has to know. */
const noted = (result: ResultEntry, { context, input }: HookVerdict): ResultEntry => {
  const said = [
    ...(input === undefined ? [] : [prompts.hookInput(input.value)]),
    ...(context === undefined ? [] : [prompts.hookContext(context)]),
  ];
  return said.length === 0 ? result : { ...result, content: [result.content, ...said].join("\n\n") };
};

/** `asked`: why a person has to agree, beside what the tools themselves want. */
const makePlain = async (
  host: CallHost,
  key: string,
  call: RecordedCall,
  asked?: string,
): Promise<ResultEntry> => {
  if (call.mode === "once") return makeOnce(host, key, call, asked);
  return host.entries.step(key, async () => (await admit(host, call, asked)) ?? perform(host, key, call));
};

/**
 * A call that must not be made twice. The entry that says that it begins comes before it: who finds that entry made by
 * somebody else, and no result, can't know whether the call was made, and tells the model so. Waiting for consent is
 * before that entry, so that it may go on elsewhere.
 */
const makeOnce = async (
  host: CallHost,
  key: string,
  call: RecordedCall,
  asked?: string,
): Promise<ResultEntry> => {
  const { entries, attempt } = host;
  let isMine = false;
  const { refusal } = await entries.step(`${key}:begun`, async () => {
    const refused = await admit(host, call, asked);
    isMine = true;
    return { attempt, refusal: refused };
  });
  if (refusal !== null) return refusal;
  return entries.step(key, () =>
    isMine ? perform(host, key, call) : { ...told(prompts.unknownEnd(call)), isUnknown: true },
  );
};

const admit = async (
  { toolbox, signal }: CallHost,
  call: RecordedCall,
  asked?: string,
): Promise<ResultEntry | null> => {
  const refusal = await admitBy(toolbox, call, signal, asked);
  if (refusal === null) return null;
  return { content: refusal.content, isError: refusal.isError ?? false, isRefused: true };
};

const perform = async (host: CallHost, key: string, call: RecordedCall): Promise<ResultEntry> => {
  const { entries, toolbox, limits, signal } = host;
  const { id, name, input } = call;
  const { content, isError = false }: ToolOutcome = await toolbox.call({ id, name, input }, signal);
  return { content: await entries.keep(key, content, limits.resultBytes), isError };
};

const told = (content: string): ResultEntry => ({ content, isError: true });

/** Does `work` for all, `most` at a time: the results in order. The first failure is passed on when all have ended. */
const sideBySide = async <Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> => {
  const results: Result[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!, index);
    }
  };
  const workers = Array.from({ length: Math.min(most, items.length) }, worker);
  const ends = await Promise.allSettled(workers);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results;
};
