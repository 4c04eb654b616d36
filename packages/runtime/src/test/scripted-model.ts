import type { Model, ModelCallOptions, ModelRequest, ModelTurn, ToolCall } from "../llm/model.ts";

/** What a script says of one turn; the rest is filled in. */
export interface ScriptedTurn extends Partial<Omit<ModelTurn, "toolCalls">> {
  /** Names and inputs; each gets an id. */
  calls?: readonly [name: string, input: unknown][];
}

export type Script = (
  request: ModelRequest,
  options: ModelCallOptions,
) => ScriptedTurn | Promise<ScriptedTurn>;

export interface ScriptedModel extends Model {
  /** Every request, in order. */
  requests: ModelRequest[];
}

/** What each scripted turn costs where the script says nothing else, in millionths. */
export const scriptedCostMicros = 100;

const callsOf = (calls: ScriptedTurn["calls"], nth: number): ToolCall[] =>
  (calls ?? []).map(([name, input], index) => ({ id: `given_${nth}_${index}`, name, input }));

/** A model in memory: a function of the request, or a list of turns, one per answer that the conversation has. */
export const scriptedModel = (script: Script | readonly ScriptedTurn[]): ScriptedModel => {
  const requests: ModelRequest[] = [];
  const answer: Script =
    typeof script === "function"
      ? script
      : ({ messages }) => {
          const turn = messages.filter(({ role }) => role === "assistant").length;
          const said = script[turn];
          if (said === undefined) throw new Error(`The script has no turn ${turn + 1}.`);
          return said;
        };
  return {
    requests,
    async generate(request, options = {}) {
      requests.push(structuredClone(request));
      const nth = requests.length;
      const { calls, ...said } = await answer(request, options);
      const toolCalls = callsOf(calls, nth);
      return {
        text: "",
        finish: toolCalls.length > 0 ? "tool-calls" : "stop",
        usage: { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, cacheWriteTokens: 0 },
        provider: "scripted",
        model: "script-1",
        costMicros: scriptedCostMicros,
        toolCalls,
        ...said,
      };
    },
  };
};
