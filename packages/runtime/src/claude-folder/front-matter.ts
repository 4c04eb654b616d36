import { claudeBounds } from "./bounds.ts";

/** A Markdown file in its two parts. */
export interface SplitFile {
  /** The YAML between the two lines of hyphens; null: there is none. */
  yaml: string | null;
  body: string;
  /** What had to be overlooked to find it; Claude Code would not find it at all. */
  repairs: string[];
}

const fence = /^-{3,}[ \t]*$/;
/** A line that only stands above a front matter by accident: what a chat wraps around a file, or nothing. */
const overlooked = /^(?:\s*|```\w*)$/;
const mostOverlooked = 5;
/** A line that belongs to a front matter whose end is missing. */
const belongs = /^(?:["']?[A-Za-z_][\w-]*["']?\s*:|\s+\S|-\s|#\s*\w+:)/;

/** Splits a file. A file that is right needs no repair; one without any front matter is documentation to its reader. */
export function splitFrontMatter(text: string): SplitFile {
  const repairs: string[] = [];
  const lines = outdent(text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/), repairs);
  const first = findOpening(lines);
  if (first === undefined) return { yaml: null, body: lines.join("\n"), repairs };
  if (first > 0) repairs.push("the front matter does not begin on the first line");
  if (lines[first]?.trim() !== "---") repairs.push("the line above the front matter is not three hyphens");
  const end = findEnd(lines, first);
  if (!end.closed)
    repairs.push("the front matter is never closed; it ends where it no longer looks like one");
  else if (lines[end.line]?.trim() !== "---")
    repairs.push("the line below the front matter is not three hyphens");
  const yaml = lines.slice(first + 1, end.line).join("\n");
  const body = lines.slice(end.closed ? end.line + 1 : end.line).join("\n");
  if (yaml.length <= claudeBounds.frontMatterLength) return { yaml, body: body.trim(), repairs };
  return { yaml: null, body: lines.join("\n"), repairs: [] };
}

/** Somebody pasted the whole file with an indentation, the hyphens included. */
function outdent(lines: string[], repairs: string[]): string[] {
  const indent = /^([ \t]+)---[ \t]*$/.exec(lines.find((line) => line.trim() !== "") ?? "")?.[1];
  if (indent === undefined) return lines;
  repairs.push("the whole file is indented");
  return lines.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
}

function findOpening(lines: readonly string[]): number | undefined {
  for (let at = 0; at <= mostOverlooked && at < lines.length; at++) {
    const line = lines[at] ?? "";
    // A rule of Markdown looks the same: what follows has to be a key.
    if (fence.test(line)) {
      const next = lines.slice(at + 1).find((one) => one.trim() !== "" && !one.startsWith("#"));
      return at === 0 || /^\s*["']?[A-Za-z_][\w-]*["']?\s*:/.test(next ?? "") ? at : undefined;
    }
    if (!overlooked.test(line)) return undefined;
  }
  return undefined;
}

function findEnd(lines: readonly string[], first: number): { line: number; closed: boolean } {
  const closing = lines.findIndex((line, at) => at > first && fence.test(line));
  if (closing > 0) return { line: closing, closed: true };
  let line = first + 1;
  while (line < lines.length && belongs.test(lines[line] ?? "")) line++;
  return { line, closed: false };
}
