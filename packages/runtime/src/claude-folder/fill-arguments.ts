import type { ClaudePrompt } from "./read-prompt.ts";

/** Numbers above this are taken for a sum of money, not for an argument. */
const mostPositions = 20;
const places = /\$ARGUMENTS\[(\d{1,3})\]|\$ARGUMENTS\b|\$(\d{1,3})(?![\w.,]*\d)|\$([A-Za-z_][\w-]*)/g;

/**
 * The text of a skill or a command with its arguments: `$ARGUMENTS` is all that was said, `$ARGUMENTS[N]` and `$N` one
 * word of it, counted from 0, `$name` the word of a named argument. What is filled in is not looked at again. A text with no place
 * for arguments has them added at its end, so that nothing that was said is lost.
 */
export function fillArguments(
  { text, argumentNames }: Pick<ClaudePrompt, "text" | "argumentNames">,
  said: string,
): string {
  const words = splitWords(said);
  let isUsed = false;
  const filled = text.replace(places, (place, index?: string, short?: string, name?: string) => {
    const position = name === undefined ? Number(index ?? short) : namedPosition(name, argumentNames);
    if (name !== undefined && position < 0) return place;
    if (short !== undefined && position >= Math.max(words.length, mostPositions)) return place;
    isUsed = true;
    return Number.isNaN(position) ? said : (words[position] ?? "");
  });
  return isUsed || said.trim() === "" ? filled : `${filled}\n\nARGUMENTS: ${said}`;
}

/** Of names that begin alike the whole one counts: `$file-name` is not `$file`. */
const namedPosition = (name: string, names: readonly string[]): number => names.indexOf(name);

/** Words as a shell splits them; quotes hold one together. */
function splitWords(text: string): string[] {
  const words: string[] = [];
  for (const [, double, single, plain] of text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s]+)/gs)) {
    words.push(double?.replace(/\\(.)/gs, "$1") ?? single ?? plain ?? "");
  }
  return words;
}
