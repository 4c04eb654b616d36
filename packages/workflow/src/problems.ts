import { formatPath, type Path } from "./path.ts";
import type { WorkflowProblem } from "./workflow.ts";
import { workflowLimits } from "./workflow-limits.ts";

/** A place in a text; both count from 1. */
interface Position {
  line: number;
  column: number;
}

/** Which part of the value at a path a problem is about. */
export type Spot =
  | "key"
  | "value"
  /** A character of the text itself, counted from 0. */
  | { textOffset: number }
  | ExpressionSpot;

/** A character of the n-th expression in a string; `offset` counts inside the expression's source. */
export interface ExpressionSpot {
  expression: number;
  source: string;
  offset: number;
}

/** Finds the place in the text that a part of the document came from. */
export type Locate = (path: Path, spot: Spot) => Position | undefined;

export interface ProblemReport {
  message: string;
  hint?: string | undefined;
  path: Path;
  /** The value, unless said otherwise. */
  at?: Spot;
}

/** Collects what is wrong with one document, so that everything is reported together. */
export interface ProblemCollector {
  report(problem: ProblemReport): void;
  readonly count: number;
  /** The problems in the order of the text, each once, with a last one that says how many were left out. */
  list(): WorkflowProblem[];
}

export function collectProblems(locate: Locate): ProblemCollector {
  const found = new Map<string, WorkflowProblem>();
  let leftOut = 0;
  return {
    report({ message, hint, path, at = "value" }) {
      const position = locate(path, at);
      const problem: WorkflowProblem = {
        message,
        hint,
        path: formatPath(path),
        line: position?.line,
        column: position?.column,
      };
      const identity = JSON.stringify([problem.path, problem.line, problem.column, message]);
      if (found.has(identity)) return;
      if (found.size < workflowLimits.problems) found.set(identity, problem);
      else leftOut += 1;
    },
    get count() {
      return found.size;
    },
    list() {
      const sorted = [...found.values()].sort(byPosition);
      if (leftOut > 0) sorted.push({ ...blank, message: `and ${leftOut} more problems` });
      return sorted;
    },
  };
}

const blank = { hint: undefined, path: "", line: undefined, column: undefined };

const byPosition = (a: WorkflowProblem, b: WorkflowProblem) =>
  (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);

/** One line for a terminal or a log: `file:line:column: message (hint)`, as editors and people expect it. */
export function formatProblem(problem: WorkflowProblem, file: string): string {
  const place = problem.line === undefined ? file : `${file}:${problem.line}:${problem.column ?? 1}`;
  const where = problem.line === undefined && problem.path !== "" ? ` ${problem.path}:` : "";
  const hint = problem.hint === undefined ? "" : ` (${problem.hint})`;
  return `${place}:${where} ${problem.message}${hint}`;
}
