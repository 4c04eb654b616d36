import type { HookVerdict } from "../../agent-loop/loop-hooks.ts";
import { cutText } from "../../tools/cut-text.ts";

/** Characters of what all hooks of a moment say together. */
const mostChars = 20_000;

/**
 * What several hooks come to, in the order in which they are named: who ends everything goes first, then who refuses, then
 * who asks. Of several inputs the last counts.
 */
export function joinAnswers(answers: readonly HookVerdict[]): HookVerdict {
  const halt = join(answers.map((one) => one.halt));
  if (halt !== undefined) return { halt };
  const refusal = join(answers.map((one) => one.refusal));
  const context = join(answers.map((one) => one.context));
  const spoken = context === undefined ? {} : { context };
  if (refusal !== undefined) return { refusal, ...spoken };
  const ask = join(answers.map((one) => one.ask));
  const input = answers.findLast((one) => one.input !== undefined)?.input;
  return { ...(ask === undefined ? {} : { ask }), ...(input === undefined ? {} : { input }), ...spoken };
}

function join(texts: readonly (string | undefined)[]): string | undefined {
  const said = [...new Set(texts.filter((text) => text !== undefined))];
  return said.length === 0 ? undefined : cutText(said.join("\n"), mostChars);
}
