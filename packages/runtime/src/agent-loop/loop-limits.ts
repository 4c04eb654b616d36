import { AttemptError, limits as sdkLimits } from "@muster/sdk";

/** What one task may take of the loop. Each is a bound over all attempts, since the journal carries on what was used. */
export interface LoopLimits {
  /** Answers of the model, 50 by default and 1,000 at most. The last one is asked for without tools. */
  turns: number;
  /** Input and output of all calls, summaries included; by default only the budgets of the task count. */
  tokens?: number;
  /** Millionths of a US dollar. Refuses a model whose price is not known. */
  moneyMicros?: number;
  /** Time since the first turn began, waiting for others and for people included: 7 days by default. */
  timeMs: number;
  /** How often a wrong answer is sent back with what is wrong about it: 3 by default. */
  repairs: number;
  /** Calls that one turn may make, 32 by default; the model is told that the rest was not made. */
  callsPerTurn: number;
  /** Calls of a turn under way at once, 8 by default. */
  callsAtOnce: number;
  /** Bytes of one tool's result that the model reads, 64 KiB by default; the whole of a longer one is an artifact. */
  resultBytes: number;
  /** How often the same calls may have the same results among the newest 24 turns, 6 by default. */
  sameTurns: number;
}

export const defaultLoopLimits: LoopLimits = {
  turns: 50,
  timeMs: sdkLimits.durationMs,
  repairs: 3,
  callsPerTurn: 32,
  callsAtOnce: 8,
  resultBytes: 64 * 1024,
  sameTurns: 6,
};

const most: Partial<Record<keyof LoopLimits, number>> = {
  turns: 1_000,
  timeMs: sdkLimits.durationMs,
  repairs: 20,
  callsPerTurn: 128,
  callsAtOnce: 64,
  resultBytes: 512 * 1024,
  sameTurns: 24,
};

/** Fills in what is left out, and refuses what is no bound. */
export const loopLimitsOf = (said: Partial<LoopLimits> = {}): LoopLimits => {
  const limits = { ...defaultLoopLimits };
  for (const [key, value] of Object.entries(said) as [keyof LoopLimits, number | undefined][]) {
    if (value === undefined) continue;
    const least = key === "repairs" ? 0 : 1;
    const highest = most[key] ?? Number.MAX_SAFE_INTEGER;
    if (!Number.isSafeInteger(value) || value < least || value > highest) {
      throw new TypeError(
        `The limit ${key} of an agent is ${value}; it must be from ${least} to ${highest}.`,
      );
    }
    limits[key] = value;
  }
  return limits;
};

/** What the loop has used of its limits so far, by the word of the journal. */
export interface LoopUse {
  /** When the first turn began; undefined before. */
  startedAt: number | undefined;
  turns: number;
  tokens: number;
  moneyMicros: number;
}

/** Throws where a limit leaves no room for another call. The journal says the same next time: no retry helps. */
export const refuseBeyondLimits = (use: LoopUse, limits: LoopLimits, now: number): void => {
  if (use.turns >= limits.turns)
    throw limitError("turn_limit", `${limits.turns} turns were not enough to finish the task`, "turns");
  if (limits.tokens !== undefined && use.tokens >= limits.tokens)
    throw limitError("token_limit", `The agent used ${use.tokens} of ${limits.tokens} tokens`, "tokens");
  if (limits.moneyMicros !== undefined && use.moneyMicros >= limits.moneyMicros) {
    const [spent, limit] = [use.moneyMicros, limits.moneyMicros].map((micros) => (micros / 1e6).toFixed(6));
    throw limitError("cost_limit", `The agent spent ${spent} of ${limit} US dollars`, "moneyMicros");
  }
  if (use.startedAt !== undefined && now >= use.startedAt + limits.timeMs) throw timeIsOver(limits);
};

export const timeIsOver = (limits: LoopLimits): AttemptError =>
  limitError("time_limit", `The agent worked on the task for longer than ${limits.timeMs} ms`, "timeMs");

const limitError = (code: string, what: string, limit: keyof LoopLimits): AttemptError =>
  new AttemptError(
    `${what}. Raise "${limit}" among the agent's limits, or hand over a smaller task; a retry goes on from here.`,
    { code, retryable: false },
  );
