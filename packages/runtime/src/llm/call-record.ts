import type { ModelErrorCode, ModelUsage } from "./model.ts";

/** What became of one call of a provider; a turn may take several. */
export interface CallRecord {
  provider: string;
  model: string;
  /** What was asked for: a model or an alias. */
  requested: string;
  outcome: "answered" | ModelErrorCode;
  message?: string;
  /** Until the first piece; null where none came. */
  firstMs: number | null;
  totalMs: number;
  usage: ModelUsage | null;
  costMicros: number | null;
}
