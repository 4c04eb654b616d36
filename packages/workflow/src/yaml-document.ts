import { type Document, LineCounter, parseDocument } from "yaml";
import type { Path } from "./path.ts";
import {
  collectProblems,
  type ExpressionSpot,
  type Locate,
  type ProblemReport,
  type Spot,
} from "./problems.ts";
import type { WorkflowProblem } from "./workflow.ts";
import { workflowLimits } from "./workflow-limits.ts";
import { yamlErrorHint } from "./yaml-error-hint.ts";
import { convertYaml, type Mark, placeKey } from "./yaml-to-json.ts";

export interface LoadedDocument {
  /** Plain JSON; undefined where the text is so broken that nothing can be said about what it means. */
  document: unknown;
  problems: WorkflowProblem[];
  locate: Locate;
}

/** Reads YAML into plain JSON and remembers where each value stood. */
export function loadYaml(text: string): LoadedDocument {
  const bytes = Buffer.byteLength(text);
  if (bytes > workflowLimits.documentBytes) {
    return broken({
      message: `the workflow has ${bytes} bytes; at most ${workflowLimits.documentBytes} are allowed`,
      hint: "hand large data in through inputs instead",
      path: [],
    });
  }
  const lines = new LineCounter();
  const parsed = parse(text, lines);
  if (parsed === undefined) return broken({ message: tooDeep, path: [] });
  const syntax = syntaxProblems(parsed, text, lines);
  if (syntax.length > 0) return { document: undefined, problems: syntax, locate: () => undefined };

  const { json, marks, reports } = convertYaml(parsed);
  const locate: Locate = (path, spot) => position(text, lines, markOf(marks, path), spot);
  const problems = collectProblems(locate);
  for (const report of reports) problems.report(report);
  return { document: json, problems: problems.list(), locate };
}

function parse(text: string, lines: LineCounter): Document.Parsed | undefined {
  try {
    // Keys are compared in the conversion: the library compares each with each, and a hostile file has many.
    return parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  } catch {
    // The parser recurses, so the only thing that it throws is a stack overflow.
    return undefined;
  }
}

/** The first error of each line: the ones behind it are mostly its consequences. */
function syntaxProblems(yaml: Document.Parsed, text: string, lines: LineCounter): WorkflowProblem[] {
  let at = { line: 1, column: 1 };
  const problems = collectProblems(() => at);
  const told = new Set<number>();
  for (const error of [...yaml.errors, ...yaml.warnings]) {
    const { line, col } = lines.linePos(error.pos[0]);
    at = { line: Math.max(1, line), column: Math.max(1, col) };
    if (told.has(at.line)) continue;
    told.add(at.line);
    const lineText = text.slice(lines.lineStarts[at.line - 1] ?? 0).split("\n", 1)[0] ?? "";
    const message = error.code === "RESOURCE_EXHAUSTION" ? tooDeep : error.message;
    problems.report({ message, hint: yamlErrorHint(error.code, lineText), path: [] });
  }
  return problems.list();
}

const tooDeep = "the document is nested too deeply";

function broken(report: ProblemReport): LoadedDocument {
  const locate = () => ({ line: 1, column: 1 });
  const problems = collectProblems(locate);
  problems.report(report);
  return { document: undefined, problems: problems.list(), locate };
}

/** The mark of a path, or of the nearest thing around it that is in the text. */
function markOf(marks: ReadonlyMap<string, Mark>, path: Path): Mark | undefined {
  for (let length = path.length; length >= 0; length--) {
    const mark = marks.get(placeKey(path.slice(0, length)));
    if (mark !== undefined) return mark;
  }
  return undefined;
}

function position(text: string, lines: LineCounter, mark: Mark | undefined, spot: Spot) {
  const offset = offsetOf(text, mark, spot);
  if (offset === undefined) return undefined;
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function offsetOf(text: string, mark: Mark | undefined, spot: Spot): number | undefined {
  if (typeof spot === "object" && "textOffset" in spot) return spot.textOffset;
  if (mark === undefined || spot === "value") return mark?.start;
  return spot === "key" ? (mark.key ?? mark.start) : offsetInScalar(text, mark, spot);
}

/**
 * Where a character of an expression stands in the file. Quotes, escapes and folded lines make the text of
 * a scalar differ from its value, so this looks for the expression as it is written and falls back to
 * where the scalar starts.
 */
function offsetInScalar(text: string, mark: Mark, spot: ExpressionSpot): number {
  const written = text.slice(mark.start, mark.end);
  let from = -1;
  for (let i = 0; i <= spot.expression; i++) from = written.indexOf("${{", from + 1);
  const begin = from < 0 ? written.indexOf(spot.source) : from + 3;
  if (begin < 0) return mark.start;
  const verbatim = written.startsWith(spot.source.slice(0, spot.offset), begin);
  return mark.start + begin + (verbatim ? spot.offset : 0);
}
