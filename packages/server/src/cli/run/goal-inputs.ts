import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { readJsonText } from "../read-json.ts";

interface Given {
  input?: readonly string[];
  inputsFile?: string;
}

/** Inputs for a goal: no schema says what they are, so that JSON is taken as such and everything else as text. */
export async function readGoalInputs(
  context: CliContext,
  { input = [], inputsFile }: Given,
): Promise<Record<string, unknown>> {
  const inputs = inputsFile === undefined ? {} : await readJsonText(context, inputsFile);
  if (typeof inputs !== "object" || inputs === null || Array.isArray(inputs))
    throw new CliError("the inputs file must hold a JSON object with one member per input");
  const all: Record<string, unknown> = { ...inputs };
  for (const pair of input) {
    const at = pair.indexOf("=");
    if (at < 1)
      throw new CliError(`--input wants name=value, not ${pair}`, { hint: "For example --input path=." });
    all[pair.slice(0, at)] = jsonOrText(pair.slice(at + 1));
  }
  return all;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
