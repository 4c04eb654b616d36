import type { Candidate } from "./candidate.ts";
import type { ModelEstimate, ModelRequest } from "./model.ts";
import type { PriceTable } from "./prices.ts";
import { estimateTokens } from "./rank-candidates.ts";

/** Texts take more tokens than the estimate where they are code or no English. */
const margin = 1.5;

/** The dearest of the candidates counts, since any of them may have to answer; those without a price do not. */
export function estimateTurn(
  candidates: readonly Candidate[],
  request: ModelRequest,
  prices: PriceTable,
): ModelEstimate | null {
  const [first] = candidates;
  if (first === undefined) return null;
  const inputTokens = Math.ceil(estimateTokens(request) * margin);
  const outputTokens = request.maxOutputTokens;
  const costs = candidates.flatMap(({ provider, model }) => {
    const read = { inputTokens, outputTokens, cachedInputTokens: 0, cacheWriteTokens: 0 };
    // What is written to a cache is dearer than what is only read.
    const written = { ...read, cacheWriteTokens: inputTokens };
    return [read, written].flatMap((usage) => prices.costMicros(provider, model, usage) ?? []);
  });
  return {
    mostCostMicros: costs.length === 0 ? null : Math.max(...costs),
    contextTokens: prices.contextTokens(first.provider, first.model),
  };
}
