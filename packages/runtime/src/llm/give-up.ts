import { nameOf } from "./candidate.ts";
import { ModelError, type ModelErrorCode, type ModelRequest } from "./model.ts";
import type { Attempted } from "./route-turn.ts";

const longestMessage = 1_000;

/**
 * No provider gave the turn. The code is that of the candidate that comes first among those that may do better later, or
 * else of the first; the message says it of each.
 */
export function giveUp(
  attempted: readonly Attempted[],
  request: ModelRequest,
  waitMs: number | null,
): ModelError {
  const told = attempted.filter(({ failure, refusal }) => failure !== null || refusal !== null);
  const decisive = told.find(isWorthAgain) ?? told[0];
  const retryable = told.some(isWorthAgain);
  const words = told.map((one) => `${nameOf(one.candidate)}: ${wordsOf(one)}`).join("; ");
  const hint = decisive?.failure?.hint;
  return new ModelError(
    decisive === undefined ? "provider_unavailable" : codeOf(decisive),
    `No provider answered "${request.model}". ${words}`.slice(0, longestMessage),
    {
      retryable,
      ...(retryable && waitMs !== null ? { retryAfterMs: Math.ceil(waitMs) } : {}),
      ...(hint === undefined ? {} : { hint }),
    },
  );
}

const isWorthAgain = ({ failure, refusal }: Attempted): boolean =>
  refusal !== null || failure?.isWorthAgain === true;

function codeOf({ failure, refusal }: Attempted): ModelErrorCode {
  if (failure !== null) return failure.code;
  return refusal?.why === "breaker" ? "provider_unavailable" : "rate_limited";
}

function wordsOf({ failure, refusal }: Attempted): string {
  if (failure !== null) return failure.message;
  const seconds = Math.ceil((refusal?.waitMs ?? 0) / 1_000);
  if (refusal?.why === "breaker") return `failed too often and is left alone for ${seconds} s`;
  if (refusal?.why === "resting") return `asked to be left alone for ${seconds} s`;
  return `its limit per minute is reached for ${seconds} s`;
}
