import { type Check, compileCheck } from "@muster/sdk";

/** What the loop makes of a turn without calls: the task's output, or what is wrong, in words for the model. */
export type Verdict = { output: unknown } | { fault: string };

export type JudgeAnswer = (text: string) => Verdict;

/** Without a schema the answer is its text. With one it is the JSON in the text, if that fits. */
export const createJudge = (
  schema: Record<string, unknown> | boolean | undefined,
  subject: string,
): JudgeAnswer => {
  if (schema === undefined || schema === true) return judgeText;
  const check = compileCheck(schema, subject);
  return (text) => judgeJson(text, check);
};

const judgeText: JudgeAnswer = (text) =>
  text.trim() === "" ? { fault: "The answer is empty. Say what came of the task." } : { output: text };

const judgeJson = (text: string, check: Check): Verdict => {
  let fault: string | undefined;
  for (const candidate of candidatesOf(text)) {
    const value = parse(candidate);
    if (value === undefined) continue;
    const mismatch = check(value.json);
    if (mismatch === undefined) return { output: value.json };
    fault ??= `The JSON of the answer breaks the schema: ${mismatch.message}.`;
  }
  // A schema may want a text; then prose is an answer.
  if (fault === undefined && text.trim() !== "" && check(text) === undefined) return { output: text };
  return { fault: fault ?? describeMiss(text) };
};

/** Where the JSON may be: all of the text, the last fenced block, from the first bracket to the last. */
function* candidatesOf(text: string): Generator<string> {
  yield text;
  const fences = text.split(/^[ \t]*```[^\n]*$/m);
  if (fences.length >= 3) yield fences[fences.length - 2 + (fences.length % 2 === 0 ? 1 : 0)]!;
  for (const [open, close] of ["{}", "[]"]) {
    const [from, to] = [text.indexOf(open!), text.lastIndexOf(close!)];
    if (from >= 0 && to > from) yield text.slice(from, to + 1);
  }
}

const parse = (text: string): { json: unknown } | undefined => {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return undefined;
  }
};

const describeMiss = (text: string): string => {
  if (text.trim() === "") return "The answer is empty; it must be JSON that fits the schema.";
  try {
    JSON.parse(text);
    return "The answer does not fit the schema.";
  } catch (error) {
    return `The answer is not JSON: ${(error as Error).message.slice(0, 200)}.`;
  }
};
