import { defaultRetry, MusterError, type RetryPolicy, retryMistake } from "@muster/sdk/protocol";

/** A policy with nothing left open: what holds for one task. */
export interface EffectiveRetry extends Required<Omit<RetryPolicy, "never" | "always">> {
  /** Whether another attempt follows after an error with this code; null where no level names it. */
  verdictOn: (code: string) => boolean | null;
}

/**
 * What holds for a task, from what each level says, the most specific first: the task (or the step that made it), the
 * operator, the agent that failed. A member that one level leaves out is the next one's; behind all are the defaults.
 * Of a first delay and a longest delay that contradict each other the more specific one holds.
 */
export function resolveRetry(levels: readonly RetryPolicy[]): EffectiveRetry {
  const known: Required<Omit<RetryPolicy, "never" | "always">> = { ...defaultRetry };
  for (const { never: _never, always: _always, ...said } of levels.toReversed()) {
    Object.assign(known, said);
    if (known.maxDelayMs >= known.delayMs) continue;
    if (said.maxDelayMs === undefined) known.maxDelayMs = known.delayMs;
    else known.delayMs = known.maxDelayMs;
  }
  return {
    ...known,
    verdictOn(code) {
      for (const { never, always } of levels) {
        if (never?.includes(code)) return false;
        if (always?.includes(code)) return true;
      }
      return null;
    },
  };
}

/** Refuses a policy that contradicts itself, with the member named. The schema has been checked before. */
export function refuseBadRetry(policy: RetryPolicy | undefined, place: string): void {
  const mistake = policy === undefined ? null : retryMistake(policy);
  if (mistake === null) return;
  const path = `${place}/${mistake.field}`;
  throw new MusterError("invalid_request", `${path} ${mistake.message}.`, {
    errors: [{ path: `/${path.replace(/^\//, "")}`, message: mistake.message }],
  });
}
