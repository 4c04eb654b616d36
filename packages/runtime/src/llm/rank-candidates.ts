import { type Candidate, nameOf } from "./candidate.ts";
import type { ModelRequest } from "./model.ts";
import type { Choice } from "./model-catalogue.ts";
import type { Performance } from "./performance.ts";
import type { PriceTable } from "./prices.ts";

export interface Ranking {
  /** The best first. */
  fitting: readonly Candidate[];
  /** Models that are surely too small for the request. */
  tooSmall: readonly Candidate[];
}

export interface RankOptions {
  prices: PriceTable;
  performance: Performance;
}

/** What is not measured is taken for this fast: faster than what is known to be slow, so that it is tried. */
const assumedMs = 4_000;
/** A model that failed more often than this comes after all others of its kind. */
const leastHealth = 0.5;
/** Texts differ in how many tokens they take; only what is twice too large by the estimate is surely too large. */
const surelyTooLarge = 2;

/** Order by what the alias wants; a context that is too small and failures of late come after all else. */
export function rankCandidates(
  { candidates, order }: Choice,
  request: ModelRequest,
  { prices, performance }: RankOptions,
): Ranking {
  const inputTokens = estimateTokens(request);
  const outputTokens = request.maxOutputTokens;
  const usage = { inputTokens, outputTokens, cachedInputTokens: 0, cacheWriteTokens: 0 };
  const contextOf = ({ provider, model }: Candidate) =>
    prices.contextTokens(provider, model) ?? Number.POSITIVE_INFINITY;
  const isTooSmall = (candidate: Candidate) => inputTokens > surelyTooLarge * contextOf(candidate);

  const keyOf = (candidate: Candidate, index: number): number[] => {
    const name = nameOf(candidate);
    const health = performance.health(name);
    const cost = prices.costMicros(candidate.provider, candidate.model, usage) ?? Number.POSITIVE_INFINITY;
    const wanted = {
      listed: index,
      cheapest: cost,
      fastest: (performance.expectedMs(name) ?? assumedMs) / Math.max(health, 0.1),
    }[order];
    const isTight = inputTokens + outputTokens > contextOf(candidate);
    return [isTight ? 1 : 0, health < leastHealth ? 1 : 0, wanted, index];
  };

  const fitting = candidates
    .filter((candidate) => !isTooSmall(candidate))
    .map((candidate, index) => ({ candidate, key: keyOf(candidate, index) }))
    .sort((a, b) => compare(a.key, b.key))
    .map(({ candidate }) => candidate);
  return { fitting, tooSmall: candidates.filter(isTooSmall) };
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [place, value] of a.entries()) {
    const other = b[place] as number;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}

const charactersOfToken = 4;

/** About how many tokens a request has: each provider counts in its own way, and says afterwards what it counted. */
export function estimateTokens({ system, messages, tools }: ModelRequest): number {
  let characters = system.length;
  for (const tool of tools) characters += JSON.stringify(tool).length;
  for (const entry of messages) {
    if (entry.role === "tool") for (const { content } of entry.results) characters += content.length;
    else characters += entry.content.length;
    if (entry.role === "assistant") characters += JSON.stringify(entry.toolCalls).length;
  }
  return Math.ceil(characters / charactersOfToken);
}
