import type { FileHits } from "./search-files.ts";

export interface RenderOptions {
  numbers: boolean;
  before: number;
  after: number;
}

const mostLineChars = 1_000;

/** The lines that match with those around them, as grep writes them: `:` for a match, `-` beside it, `--` between groups. */
export function renderHits({ path, lines, hits }: FileHits, options: RenderOptions): string[] {
  const matching = new Set<number>();
  const shown = new Set<number>();
  for (const [first, last] of hits) {
    for (let line = first; line <= last; line++) matching.add(line);
    const end = Math.min(lines.length - 1, last + options.after);
    for (let line = Math.max(0, first - options.before); line <= end; line++) shown.add(line);
  }
  const rendered: string[] = [];
  let previous = -1;
  for (const line of [...shown].sort((a, b) => a - b)) {
    // Behind the last line end there is no line.
    if (line === lines.length - 1 && lines[line] === "" && !matching.has(line)) continue;
    const hasContext = options.before > 0 || options.after > 0;
    if (hasContext && previous !== -1 && line > previous + 1) rendered.push("--");
    const mark = matching.has(line) ? ":" : "-";
    const number = options.numbers ? `${line + 1}${mark}` : "";
    rendered.push(`${path}${mark}${number}${lines[line]!.slice(0, mostLineChars)}`);
    previous = line;
  }
  return rendered;
}
