import type { ProviderSettings } from "./model-settings.ts";
import {
  beginCall,
  breakerWaitMs,
  type CallVerdict,
  closedBreaker,
  defaultBreakerPolicy,
  endCall,
  type ProviderBreaker,
  type ProviderBreakerPolicy,
} from "./provider-breaker.ts";
import type { SharedCells } from "./shared/shared-cells.ts";
import { correct, type TokenBucket, takeFrom, waitMsFor } from "./token-bucket.ts";

/** Lets calls of one provider and key through, or says when to come back: for all nodes that share its cell. */
export interface ProviderGate {
  /**
   * Asks for one call. It may be told to wait up to `mostWaitMs`; what it takes is then taken already, so that callers are
   * served in the order in which they came.
   */
  enter(request: GateRequest): Promise<Admission>;
  /** A call that finds out how the provider is got a first sign of life: others need not wait for its end. */
  prove(call: string): Promise<void>;
  /** Each call that entered leaves. */
  leave(departure: Departure): Promise<void>;
  /** What holds calls of a model back now; takes nothing. */
  look(model: string): Promise<{ state: "open" | "resting" | "free"; waitMs: number }>;
}

export interface GateRequest {
  call: string;
  model: string;
  /** What it is thought to use. */
  tokens: number;
  mostWaitMs: number;
}

export type Admission =
  | { isAdmitted: true; waitMs: number; isProbe: boolean }
  | { isAdmitted: false; why: "breaker" | "resting" | "limit"; waitMs: number };

export interface Departure {
  call: string;
  model: string;
  verdict: CallVerdict;
  /** What it was thought to use, and what it did use. */
  thoughtTokens: number;
  usedTokens: number;
  /** The call was not made: its place is given back. */
  wasMade: boolean;
  /** The provider said when to come back with this model. */
  restMs?: number;
}

interface Account {
  requests?: TokenBucket;
  tokens?: TokenBucket;
  /** Until when, by model. */
  rests: Record<string, number>;
  breaker: ProviderBreaker;
}

/** A bucket is full again after as long, and a breaker's cool-down is over. */
const keepMs = 900_000;
const mostRests = 64;
/** Nobody is sent away for longer, whatever a provider says. */
const longestRestMs = 600_000;

export interface GateOptions {
  /** Names provider and key among all; never the key itself. */
  account: string;
  provider: Pick<ProviderSettings, "requestsPerMinute" | "tokensPerMinute">;
  cells: SharedCells;
  policy?: ProviderBreakerPolicy;
}

export function createProviderGate(options: GateOptions): ProviderGate {
  const { account, provider, cells, policy = defaultBreakerPolicy } = options;
  const { requestsPerMinute: perRequest, tokensPerMinute: perToken } = provider;

  const change = <Result>(work: (account: Account, now: number) => { value: Account; result: Result }) =>
    cells.update<Account, Result>(account, (known, now) => ({
      ...work(known ?? { rests: {}, breaker: closedBreaker }, now),
      keepMs,
    }));

  function limitWaitMs({ requests, tokens }: Account, amount: number, now: number): number {
    const forRequest = perRequest === undefined ? 0 : waitMsFor(requests, 1, perRequest, now);
    return Math.max(forRequest, perToken === undefined ? 0 : waitMsFor(tokens, amount, perToken, now));
  }

  const taken = (known: Account, amount: number, now: number): Account => ({
    ...known,
    ...(perRequest === undefined ? {} : { requests: takeFrom(known.requests, 1, perRequest, now) }),
    ...(perToken === undefined ? {} : { tokens: takeFrom(known.tokens, amount, perToken, now) }),
  });

  /** Gives back the place of a call that was not made, and takes or gives back what it was wrong about. */
  const corrected = (known: Account, isMade: boolean, amount: number, now: number): Account => ({
    ...known,
    ...(perRequest === undefined || isMade ? {} : { requests: correct(known.requests, -1, perRequest, now) }),
    ...(perToken === undefined ? {} : { tokens: correct(known.tokens, amount, perToken, now) }),
  });

  return {
    enter: ({ call, model, tokens, mostWaitMs }) =>
      change<Admission>((known, now) => {
        const refuse = (why: "breaker" | "resting" | "limit", waitMs: number) => ({
          value: known,
          result: { isAdmitted: false as const, why, waitMs },
        });
        const openMs = breakerWaitMs(known.breaker, now);
        if (openMs > 0) return refuse("breaker", openMs);
        const restMs = (known.rests[model] ?? now) - now;
        if (restMs > 0) return refuse("resting", restMs);
        const waitMs = limitWaitMs(known, tokens, now);
        if (waitMs > mostWaitMs) return refuse("limit", waitMs);
        const breaker = beginCall(known.breaker, call, now, policy);
        return {
          value: { ...taken(known, tokens, now), breaker },
          result: { isAdmitted: true, waitMs, isProbe: breaker.probe?.call === call },
        };
      }),
    prove: (call) =>
      change<void>((known, now) => {
        const breaker = endCall(known.breaker, call, "success", now, policy);
        return { value: { ...known, breaker }, result: undefined };
      }),
    leave: ({ call, model, verdict, thoughtTokens, usedTokens, wasMade, restMs = 0 }) =>
      change<void>((known, now) => {
        const rests = restMs > 0 ? withRest(known.rests, model, now, restMs) : known.rests;
        const breaker = endCall(known.breaker, call, verdict, now, policy);
        const amount = (wasMade ? usedTokens : 0) - thoughtTokens;
        const value = { ...corrected(known, wasMade, amount, now), breaker, rests };
        return { value, result: undefined };
      }),
    look: (model) =>
      change((known, now) => {
        const openMs = breakerWaitMs(known.breaker, now);
        const restMs = Math.max(0, (known.rests[model] ?? now) - now);
        const state = openMs > 0 ? "open" : restMs > 0 ? "resting" : "free";
        return { value: known, result: { state, waitMs: Math.max(openMs, restMs) } as const };
      }),
  };
}

/** Those that are over are forgotten; of too many, those that end first. */
function withRest(rests: Account["rests"], model: string, now: number, restMs: number): Account["rests"] {
  const until = Math.max(rests[model] ?? 0, now + Math.min(restMs, longestRestMs));
  const all = Object.entries({ ...rests, [model]: until }).filter(([, end]) => end > now);
  return Object.fromEntries(all.sort(([, a], [, b]) => b - a).slice(0, mostRests));
}
