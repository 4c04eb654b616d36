import { MusterError } from "@muster/sdk";
import type { ToolCall, ToolSpec } from "../llm/model.ts";
import type { ToolOutcome } from "../tools/tool.ts";

/** A tool by which agents work together, made for one attempt. */
export interface TeamTool extends ToolSpec {
  /** `parallel`: beside others and again; `repeatable`: again; `once`: never again once it was begun. */
  nature: "parallel" | "repeatable" | "once";
  /** JSON or a text for the model. The input has kept the schema. */
  run(input: never, call: ToolCall): Promise<unknown>;
}

/** Words of the orchestrator that are about the whole task, and not about this call: they end the attempt. */
const endings: ReadonlySet<string> = new Set([
  "lease_lost",
  "budget_reached",
  "unauthenticated",
  "agent_unknown",
]);

/** A refusal that another call could avoid, in words for the model; whatever else it is, is passed on. */
export const toOutcome = (error: unknown): ToolOutcome => {
  if (!(error instanceof MusterError) || error.retryable || endings.has(error.code)) throw error;
  const hint = error.hint === undefined ? "" : ` ${error.hint}`;
  return { content: `${error.code}: ${error.message}${hint}`, isError: true };
};

export const objectOf = (
  properties: Record<string, Record<string, unknown>>,
  required: readonly string[] = [],
): Record<string, unknown> => ({ type: "object", properties, required, additionalProperties: false });

export const text = (description: string, maxLength: number): Record<string, unknown> => ({
  type: "string",
  minLength: 1,
  maxLength,
  description,
});
