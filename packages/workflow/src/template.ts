import { workflowLimits } from "./workflow-limits.ts";

type TemplatePart =
  | { kind: "text"; text: string }
  /** `source` is what stands between `${{` and `}}`, blanks included. */
  | { kind: "expression"; source: string };

export interface SplitTemplate {
  parts: TemplatePart[];
  /** Whether a `${{` has no `}}`; the rest of the text is then the source of the last expression. */
  unclosed: boolean;
}

/** Splits a string into text and expressions. */
export function splitTemplate(text: string): SplitTemplate {
  const parts: TemplatePart[] = [];
  let position = 0;
  while (true) {
    const open = text.indexOf("${{", position);
    if (open < 0) break;
    if (open > position) parts.push({ kind: "text", text: text.slice(position, open) });
    const close = expressionEnd(text, open + 3);
    if (close < 0) {
      parts.push({ kind: "expression", source: text.slice(open + 3) });
      return { parts, unclosed: true };
    }
    parts.push({ kind: "expression", source: text.slice(open + 3, close) });
    position = close + 2;
  }
  if (position < text.length) parts.push({ kind: "text", text: text.slice(position) });
  return { parts, unclosed: false };
}

/** The one expression that a string consists of, blanks around it aside; otherwise undefined. */
export function soleExpression(split: SplitTemplate): string | undefined {
  const parts = split.parts.filter((part) => part.kind === "expression" || part.text.trim() !== "");
  const [only] = parts;
  return parts.length === 1 && only?.kind === "expression" ? only.source : undefined;
}

/** `when` and `for-each` are expressions by nature, so the braces around them may be left out. */
export function bareExpression(text: string): string | undefined {
  return text.includes("${{") ? soleExpression(splitTemplate(text)) : text;
}

/**
 * Where the `}}` of an expression stands that begins at `start`, or -1. Braces and strings inside are
 * stepped over, so that `${{ {"a": {"b": "}}"}} }}` ends where it looks like it ends.
 */
function expressionEnd(text: string, start: number): number {
  const last = Math.min(text.length, start + workflowLimits.expressionLength + 2);
  let depth = 0;
  for (let i = start; i < last; i++) {
    const char = text[i];
    if (char === '"' || char === "'") {
      i = stringEnd(text, i, last);
    } else if (char === "{") {
      depth += 1;
    } else if (char === "}") {
      if (depth === 0 && text[i + 1] === "}") return i;
      depth -= 1;
    }
  }
  // Braces or quotes do not match: the first `}}` is the best guess, and parsing will say what is wrong.
  return text.indexOf("}}", start);
}

/** The place of the quote that closes the string whose first quote is at `start`; `last` where none does. */
function stringEnd(text: string, start: number, last: number): number {
  const char = text[start]!;
  const quote = text.startsWith(char.repeat(3), start) ? char.repeat(3) : char;
  const raw = /[rR]/.test(text[start - 1] ?? "");
  for (let i = start + quote.length; i < last; i++) {
    if (text[i] === "\\" && !raw) i += 1;
    else if (text.startsWith(quote, i)) return i + quote.length - 1;
  }
  return last;
}
