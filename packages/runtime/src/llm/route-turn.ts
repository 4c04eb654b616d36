import type { Clock, Random } from "../clock.ts";
import { callProvider, type ProviderCall } from "./call-provider.ts";
import type { CallRecord } from "./call-record.ts";
import { type Candidate, nameOf } from "./candidate.ts";
import { giveUp } from "./give-up.ts";
import {
  type ModelCallOptions,
  ModelError,
  type ModelRequest,
  type ModelTurn,
  type ModelUsage,
} from "./model.ts";
import type { ReadyProvider } from "./open-providers.ts";
import type { Performance } from "./performance.ts";
import type { PriceTable } from "./prices.ts";
import type { Admission } from "./provider-gate.ts";
import { continuationOf } from "./providers/continuation.ts";
import { failureOf, type ProviderFailure } from "./providers/provider-failure.ts";
import { estimateTokens } from "./rank-candidates.ts";
import { sleep } from "./sleep.ts";

export interface RoutingDependencies {
  prices: PriceTable;
  performance: Performance;
  clock: Clock;
  random: Random;
  newId: () => string;
  onCall: (record: CallRecord) => void;
  longestWaitMs: number;
}

export interface Place {
  candidate: Candidate;
  ready: ReadyProvider;
}

/** A candidate, and what became of it in this turn. */
export interface Attempted extends Place {
  failures: number;
  failure: ProviderFailure | null;
  refusal: Extract<Admission, { isAdmitted: false }> | null;
  /** Not asked again before. */
  notBefore: number;
  isOut: boolean;
}

/** Calls that one turn may take, over all providers. */
const mostCalls = 8;
const mostCallsOfOne = 3;
/** Looks at all candidates that one turn may take. */
const mostRounds = 64;
const firstBackoffMs = 500;
/** Of an answer, what its size is taken for before it is known. */
const thoughtOutputTokens = 2_000;

/** One turn, from the first of the places that gives it. */
export async function routeTurn(
  places: readonly Place[],
  request: ModelRequest,
  options: ModelCallOptions,
  dependencies: RoutingDependencies,
): Promise<ModelTurn> {
  const { clock, random, longestWaitMs } = dependencies;
  const attempted = places.map<Attempted>((place) => ({
    ...place,
    failures: 0,
    failure: null,
    refusal: null,
    notBefore: 0,
    isOut: false,
  }));
  let calls = 0;
  let leftMs = longestWaitMs;

  async function wait(ms: number): Promise<void> {
    leftMs -= ms;
    await sleep(ms, clock, options.signal);
  }

  /** Asks one; null where its gate is shut or it failed. */
  async function ask(one: Attempted, mostWaitMs: number): Promise<ModelTurn | null> {
    const call = dependencies.newId();
    const tokens = estimateTokens(request) + Math.min(request.maxOutputTokens, thoughtOutputTokens);
    const { gate } = one.ready;
    const admission = await gate.enter({ call, model: one.candidate.model, tokens, mostWaitMs });
    one.refusal = admission.isAdmitted ? null : admission;
    if (!admission.isAdmitted) return null;
    const entered = { call, model: one.candidate.model, thoughtTokens: tokens };
    try {
      await wait(admission.waitMs);
    } catch (error) {
      await gate.leave({ ...entered, verdict: "nothing", usedTokens: 0, wasMade: false });
      throw error;
    }
    calls++;
    return askNow(one, { ...entered, isProbe: admission.isProbe }, request, options, dependencies);
  }

  for (let round = 0; round < mostRounds && calls < mostCalls; round++) {
    throwIfCancelled(options.signal);
    for (const one of attempted) {
      if (one.isOut || one.notBefore > clock.now() || calls >= mostCalls) continue;
      const turn = await ask(one, 0);
      if (turn !== null) return turn;
    }
    const next = soonest(attempted, clock.now());
    if (next === null || next.waitMs > leftMs || calls >= mostCalls) break;
    if (next.one.refusal?.why === "limit") {
      const turn = await ask(next.one, leftMs);
      if (turn !== null) return turn;
    } else {
      await wait(Math.min(leftMs, next.waitMs * (1 + random() / 4)));
    }
  }
  throwIfCancelled(options.signal);
  throw giveUp(attempted, request, soonest(attempted, clock.now())?.waitMs ?? null);
}

interface Entered {
  call: string;
  model: string;
  thoughtTokens: number;
  isProbe: boolean;
}

/** Makes the call, and sees to what follows from its outcome. */
async function askNow(
  one: Attempted,
  { isProbe, ...entered }: Entered,
  request: ModelRequest,
  { signal, onText, onRestarted }: ModelCallOptions,
  dependencies: RoutingDependencies,
): Promise<ModelTurn | null> {
  const { clock, performance, onCall } = dependencies;
  const { gate, settings, key } = one.ready;
  const startedAt = clock.now();
  const watcher = watch(onText);
  const record = { provider: settings.name, model: entered.model, requested: request.model };
  try {
    const made = await callProvider(one.ready, one.candidate, request, {
      clock,
      ...(signal === undefined ? {} : { signal }),
      ...(onText === undefined ? {} : { onText: watcher.onText }),
      onFirst: () => (isProbe ? void gate.prove(entered.call) : undefined),
    });
    const turn = turnOf(one.candidate, made, request, dependencies.prices);
    const { usage, costMicros } = turn;
    const { firstMs, totalMs } = made;
    performance.answered(nameOf(one.candidate), { firstMs, totalMs, outputTokens: usage.outputTokens });
    const usedTokens = usage.inputTokens + usage.outputTokens;
    await gate.leave({ ...entered, verdict: "success", usedTokens, wasMade: true });
    onCall({ ...record, outcome: "answered", firstMs, totalMs, usage, costMicros });
    return turn;
  } catch (error) {
    const isCancelled = signal?.aborted === true;
    const failure = failureOf(error, { provider: settings, key, now: clock.now(), isCancelled });
    noteFailure(one, failure, dependencies);
    await gate.leave({
      ...entered,
      verdict: watcher.thrown === null ? failure.verdict : "nothing",
      usedTokens: isRefusal.has(failure.code) ? 0 : entered.thoughtTokens,
      wasMade: true,
      ...(failure.restMs === null ? {} : { restMs: failure.restMs }),
    });
    if (watcher.thrown !== null) throw watcher.thrown.error;
    const { code: outcome, message } = failure;
    const totalMs = clock.now() - startedAt;
    onCall({ ...record, outcome, message, firstMs: null, totalMs, usage: null, costMicros: null });
    if (watcher.hasSpoken && !isCancelled) onRestarted?.();
    if (!failure.isWorthElsewhere) throw refused(one.candidate, failure, error);
    return null;
  }
}

/** Nothing was used of the limit on tokens. */
const isRefusal: ReadonlySet<string> = new Set([
  "rate_limited",
  "unauthenticated",
  "no_credit",
  "unknown_model",
  "context_overflow",
  "invalid_request",
]);

function noteFailure(
  one: Attempted,
  failure: ProviderFailure,
  { clock, random, performance }: RoutingDependencies,
): void {
  one.failures++;
  one.failure = failure;
  one.isOut = !failure.isWorthAgain || one.failures >= mostCallsOfOne;
  const backoffMs = firstBackoffMs * 2 ** one.failures * (0.5 + random() / 2);
  one.notBefore = clock.now() + (failure.restMs ?? backoffMs);
  if (failure.verdict === "failure") performance.failed(nameOf(one.candidate));
}

/** What the caller does with the text may throw, and is not the provider's fault then. */
function watch(onText: ModelCallOptions["onText"]) {
  const watcher = {
    hasSpoken: false,
    thrown: null as { error: unknown } | null,
    onText(delta: string): void {
      watcher.hasSpoken = true;
      try {
        onText?.(delta);
      } catch (error) {
        watcher.thrown = { error };
        throw error;
      }
    },
  };
  return watcher;
}

/** Who may be asked again first, and in how long. */
function soonest(attempted: readonly Attempted[], now: number): { one: Attempted; waitMs: number } | null {
  const open = attempted
    .filter(({ isOut }) => !isOut)
    .map((one) => ({ one, waitMs: Math.max(0, one.notBefore - now, one.refusal?.waitMs ?? 0) }));
  return open.sort((a, b) => a.waitMs - b.waitMs)[0] ?? null;
}

const refused = (candidate: Candidate, failure: ProviderFailure, cause: unknown): ModelError =>
  new ModelError(failure.code, `${nameOf(candidate)}: ${failure.message}`, {
    retryable: false,
    cause,
    ...(failure.hint === undefined ? {} : { hint: failure.hint }),
  });

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new ModelError("cancelled", "The call was called off.", { retryable: false, cause: signal.reason });
  }
}

function turnOf(
  { provider, model }: Candidate,
  { turn }: ProviderCall,
  request: ModelRequest,
  prices: PriceTable,
): ModelTurn {
  const { text, toolCalls, finish, parts } = turn;
  const usage: ModelUsage = turn.usage ?? {
    inputTokens: estimateTokens(request),
    outputTokens: Math.ceil((text.length + JSON.stringify(toolCalls).length) / 4),
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    isEstimated: true,
  };
  const continuation = continuationOf(provider.name, model, parts);
  return {
    text,
    toolCalls,
    finish,
    usage,
    provider: provider.name,
    model,
    costMicros: prices.costMicros(provider, model, usage),
    ...(continuation === undefined ? {} : { continuation }),
  };
}
