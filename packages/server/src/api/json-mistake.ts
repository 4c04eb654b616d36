export interface JsonMistake {
  /** Characters before the mistake. */
  offset: number;
  /** Line and column count from 1. */
  line: number;
  column: number;
  /** What should stand there. */
  expected: string;
}

type State = "value" | "first-value" | "first-key" | "key" | "colon" | "after-value";

const space = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows no control characters in strings
const string = /"(?:[^"\\\u0000-\u001f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y;

const wanted: Record<State, string> = {
  value: "a value",
  "first-value": "a value or ]",
  "first-key": "a quoted key or }",
  key: "a quoted key",
  colon: "a colon",
  "after-value": "a comma or the end of the list or object",
};

/**
 * Where text stops being JSON, and what should stand there. `JSON.parse` says so only sometimes and in words
 * that change between versions of Node. For text that was already refused; it reads it once, from the front.
 */
export function findJsonMistake(text: string): JsonMistake {
  const open: ("{" | "[")[] = [];
  let state: State = "value";
  let at = 0;
  for (;;) {
    at += lengthOf(space, text, at);
    const step = nextStep(text, at, state, open);
    if (step === undefined) {
      const ended = state === "after-value" && open.length === 0;
      return locate(text, at, ended ? "the end of the text" : wanted[state]);
    }
    at += step.length;
    state = step.state;
  }
}

/** Reads one token; undefined where none that may stand here follows. */
function nextStep(
  text: string,
  at: number,
  state: State,
  open: ("{" | "[")[],
): { length: number; state: State } | undefined {
  const character = text[at];
  if (state === "colon") return character === ":" ? { length: 1, state: "value" } : undefined;
  if (state === "after-value") return stepAfterValue(character, open);
  if (state === "first-key" || state === "key") {
    if (state === "first-key" && character === "}") return close(open);
    const length = lengthOf(string, text, at);
    return length === 0 ? undefined : { length, state: "colon" };
  }
  if (state === "first-value" && character === "]") return close(open);
  if (character === "{" || character === "[") {
    open.push(character);
    return { length: 1, state: character === "{" ? "first-key" : "first-value" };
  }
  const length = lengthOf(string, text, at) || lengthOf(scalar, text, at);
  return length === 0 ? undefined : { length, state: "after-value" };
}

function stepAfterValue(character: string | undefined, open: ("{" | "[")[]) {
  const inside = open.at(-1);
  if (inside === undefined) return undefined;
  if (character === ",") return { length: 1, state: inside === "{" ? "key" : "value" } as const;
  return character === (inside === "{" ? "}" : "]") ? close(open) : undefined;
}

function close(open: ("{" | "[")[]): { length: number; state: State } {
  open.pop();
  return { length: 1, state: "after-value" };
}

function lengthOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

function locate(text: string, offset: number, expected: string): JsonMistake {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { offset, line: before.split("\n").length, column: offset - lineStart + 1, expected };
}
