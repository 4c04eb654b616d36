/**
 * Text of at most about `mostChars` characters: its beginning and its end, with what was left out named between them.
 * Cuts between lines where there are any, so that no line is half shown.
 */
export function cutText(text: string, mostChars: number): string {
  if (text.length <= mostChars) return text;
  const headChars = Math.ceil(mostChars * 0.7);
  const head = headOf(text, headChars);
  const tail = tailOf(text, mostChars - headChars);
  const left = text.length - head.length - tail.length;
  return `${head}\n… ${left} of ${text.length} characters were left out …\n${tail}`;
}

function headOf(text: string, chars: number): string {
  const head = text.slice(0, chars);
  const line = head.lastIndexOf("\n");
  return line > chars / 2 ? head.slice(0, line) : withoutHalf(head);
}

function tailOf(text: string, chars: number): string {
  if (chars <= 0) return "";
  const tail = text.slice(-chars);
  const line = tail.indexOf("\n");
  return line !== -1 && line < chars / 2 ? tail.slice(line + 1) : tail.replace(/^[\uDC00-\uDFFF]/, "");
}

/** A character beyond the first 65,536 takes two places, and half of one is none. */
const withoutHalf = (text: string): string => text.replace(/[\uD800-\uDBFF]$/, "");
