import { clip } from "./clip.ts";
import type { ParsedSource } from "./parse-source.ts";

const signatureLength = 300;
const commentLength = 2_000;
/** A signature is cut from no more of the text than this. */
const scannedLength = 4_000;

/** A source's text with what is asked of it: slices, lines and the comments in front of things. */
export interface SourceText {
  /** A piece of the text in one line, without its comments, cut to a length that people read. */
  slice(start: number, end: number): string;
  /** Counts from 1. */
  lineOf(offset: number): number;
  /** The JSDoc comment right in front of an offset, without its stars. */
  commentBefore(offset: number): string | undefined;
}

export const createSourceText = (text: string, comments: ParsedSource["comments"]): SourceText => {
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  const ends = comments.map(({ end }) => end);
  const withoutComments = (start: number, end: number): string => {
    let kept = "";
    let from = start;
    for (let index = countUpTo(ends, start); index < comments.length; index += 1) {
      const comment = comments[index]!;
      if (comment.start >= end) break;
      kept += `${text.slice(from, Math.max(from, comment.start))} `;
      from = comment.end;
    }
    return kept + text.slice(from, end);
  };
  return {
    slice: (start, end) =>
      clip(
        withoutComments(start, Math.min(end, start + scannedLength))
          .replace(/\s+/g, " ")
          .trim(),
        signatureLength,
      ),
    lineOf: (offset) => countUpTo(lineStarts, offset),
    commentBefore(offset) {
      const { value, end } = comments[countUpTo(ends, offset) - 1] ?? { end: 0 };
      if (value === undefined || /@(license|licence|fileoverview|file)\b/.test(value)) return undefined;
      const between = text.slice(end, Math.min(offset, end + 1_000)).trim();
      // Decorators may stand between a comment and what it describes.
      return between === "" || between.startsWith("@") ? cleanComment(value) : undefined;
    },
  };
};

/** How many of the ascending numbers are at most `limit`. */
const countUpTo = (ascending: readonly number[], limit: number): number => {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
};

const cleanComment = (value: string): string | undefined => {
  const lines = value.split(/\r?\n/).map((line) => line.replace(/^\s*\*? ?/, "").trimEnd());
  return clip(lines.join("\n").trim(), commentLength) || undefined;
};
