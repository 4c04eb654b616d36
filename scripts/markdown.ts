/** A fenced block of a Markdown file. */
export interface CodeBlock {
  language: string;
  /** Where its text begins, counted from 1. */
  line: number;
  text: string;
}

const fence = /^```([\w-]*)[^\n]*\n([\s\S]*?)^```\s*$/gm;
const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;

export const codeBlocks = (markdown: string): CodeBlock[] =>
  [...markdown.matchAll(fence)].map((match) => ({
    language: match[1] as string,
    line: lineAt(markdown, match.index) + 1,
    text: match[2] as string,
  }));

export interface Link {
  target: string;
  line: number;
}

/** The links of a Markdown file, without what only looks like one inside of code. */
export function linksOf(markdown: string): Link[] {
  const blank = (text: string) => text.replace(/[^\n]/g, " ");
  const prose = markdown.replace(fence, blank).replace(/`[^`\n]*`/g, blank);
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({
    target: match[1] as string,
    line: lineAt(prose, match.index),
  }));
}

/** The anchors of a Markdown file's headings, as GitHub makes them. */
export const anchorsOf = (markdown: string): Set<string> =>
  new Set(
    [...markdown.replace(fence, "").matchAll(/^#+ +(.+)$/gm)].map((match) =>
      (match[1] as string)
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
