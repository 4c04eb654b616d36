import type { Spending } from "@muster/sdk";
import { ModelError, type ModelErrorCode, type ModelRequest, type ModelTurn } from "../llm/model.ts";
import type { LoopContext, LoopSettings } from "./loop-settings.ts";

export interface Question {
  /** Names the call among those of the task; each is counted under it. */
  key: string;
  request: ModelRequest;
  /** An estimate; the price table and the budgets go by it. */
  inputTokens: number;
  signal: AbortSignal;
  onText?: (delta: string) => void;
  onRestarted?: () => void;
}

/** Providers that refuse a call do not charge for it. What broke off half way may have cost anything. */
const free: ReadonlySet<ModelErrorCode> = new Set<ModelErrorCode>([
  "no_provider",
  "unknown_model",
  "rate_limited",
  "overloaded",
  "unauthenticated",
  "no_credit",
  "invalid_request",
  "context_overflow",
]);

/**
 * One call of the model within the budgets of the task: the most that it can cost is set aside before it is made, and
 * what it did cost is reported before anybody can act on the answer. A call whose end nobody knows counts in full.
 */
export const askModel = (
  context: LoopContext,
  { model }: Pick<LoopSettings, "model">,
  { key, request, inputTokens, signal, onText, onRestarted }: Question,
): Promise<ModelTurn> => {
  const money = model.estimate?.(request)?.mostCostMicros ?? undefined;
  const tokens = inputTokens + request.maxOutputTokens;
  const most: Spending = money === undefined ? { tokens } : { tokens, moneyMicros: money };
  return context.withinBudget(key, most, async () => {
    try {
      const turn = await model.generate(request, {
        signal,
        ...(onText === undefined ? {} : { onText }),
        ...(onRestarted === undefined ? {} : { onRestarted }),
      });
      return { value: turn, used: spendingOf(turn) };
    } catch (error) {
      if (error instanceof ModelError && free.has(error.code) && !("used" in error))
        Object.assign(error, { used: { moneyMicros: 0, tokens: 0 } });
      throw error;
    }
  });
};

const spendingOf = ({ usage, costMicros }: ModelTurn): Spending => {
  const tokens = usage.inputTokens + usage.outputTokens;
  return costMicros === null ? { tokens } : { tokens, moneyMicros: costMicros };
};
