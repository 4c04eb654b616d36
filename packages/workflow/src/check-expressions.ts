import { didYouMean } from "./closest-name.ts";
import { compileExpression, type Expression, type Variable, variables } from "./expression.ts";
import { ExpressionError } from "./expression-error.ts";
import type { Reference } from "./expression-references.ts";
import { isObject, type Path } from "./path.ts";
import type { ProblemCollector } from "./problems.ts";
import type { StepGraph } from "./step-graph.ts";
import { bareExpression, splitTemplate } from "./template.ts";

/** What the expressions of one document may refer to. */
interface Names {
  inputs: ReadonlySet<string>;
  graph: StepGraph;
}

/** Where an expression stands, which decides what it can see. */
interface Place {
  path: Path;
  /** The step that it belongs to; the output of the run has none and sees every step. */
  step: string | undefined;
  variables: ReadonlySet<Variable>;
}

const always: Variable[] = ["inputs", "steps", "run"];

/** Checks every expression of a document: that it parses, and that all it names is there when it is evaluated. */
export function checkExpressions(
  document: Record<string, unknown>,
  graph: StepGraph,
  problems: ProblemCollector,
) {
  const inputs = new Set(isObject(document.inputs) ? Object.keys(document.inputs) : []);
  const names = { inputs, graph };
  for (const [step, body] of Object.entries(isObject(document.steps) ? document.steps : {})) {
    if (isObject(body)) checkStep(step, body, names, problems);
  }
  const place = { path: ["output"], step: undefined, variables: new Set(always) };
  checkTemplate(document.output, place, names, problems);
}

function checkStep(
  step: string,
  body: Record<string, unknown>,
  names: Names,
  problems: ProblemCollector,
): void {
  const placeOf = (key: string, extra: Variable[]): Place => ({
    path: ["steps", step, key],
    step,
    variables: new Set([...always, ...extra]),
  });
  const fanOut = body["for-each"] !== undefined;
  checkTemplate(body.with, placeOf("with", fanOut ? ["item", "index"] : []), names, problems);
  checkTemplate(body.output, placeOf("output", ["result"]), names, problems);
  if (isObject(body.approve)) checkTemplate(body.approve.question, placeOf("approve", []), names, problems);
  checkBare(body.when, "bool", placeOf("when", []), names, problems);
  const forEach = body["for-each"];
  if (Array.isArray(forEach)) checkTemplate(forEach, placeOf("for-each", []), names, problems);
  else checkBare(forEach, "list", placeOf("for-each", []), names, problems);
}

function checkTemplate(template: unknown, place: Place, names: Names, problems: ProblemCollector): void {
  if (typeof template === "string") {
    checkString(template, place, names, problems);
  } else if (Array.isArray(template)) {
    for (const [i, item] of template.entries()) {
      checkTemplate(item, { ...place, path: [...place.path, i] }, names, problems);
    }
  } else if (isObject(template)) {
    for (const [key, value] of Object.entries(template)) {
      checkTemplate(value, { ...place, path: [...place.path, key] }, names, problems);
    }
  }
}

function checkString(text: string, place: Place, names: Names, problems: ProblemCollector): void {
  const split = splitTemplate(text);
  const sources = split.parts.flatMap((part) => (part.kind === "expression" ? [part.source] : []));
  if (split.unclosed) {
    const at = { expression: sources.length - 1, source: sources.pop() ?? "", offset: 0 };
    problems.report({
      message: 'a "${{" has no "}}"',
      hint: 'for the text itself write ${{ "${{" }}',
      path: place.path,
      at,
    });
  }
  for (const [i, source] of sources.entries()) checkExpression(source, i, place, names, problems);
}

function checkBare(
  value: unknown,
  type: "bool" | "list",
  place: Place,
  names: Names,
  problems: ProblemCollector,
) {
  if (typeof value !== "string") return;
  const source = bareExpression(value);
  const key = place.path.at(-1);
  if (source === undefined) {
    problems.report({ message: `"${key}" must be one expression and nothing else`, path: place.path });
    return;
  }
  const expression = checkExpression(source, 0, place, names, problems);
  if (expression === undefined || expression.type === "dyn" || expression.type.startsWith(type)) return;
  const expected = type === "bool" ? "true or false" : "a list";
  problems.report({
    message: `"${key}" must give ${expected}, and this gives ${expression.type}`,
    path: place.path,
  });
}

function checkExpression(
  source: string,
  nth: number,
  place: Place,
  names: Names,
  problems: ProblemCollector,
) {
  const report = (message: string, hint: string | undefined, offset: number) =>
    problems.report({ message, hint, path: place.path, at: { expression: nth, source, offset } });
  let expression: Expression;
  try {
    expression = compileExpression(source);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    report(`the expression is wrong: ${error.reason}`, error.hint, error.offset ?? firstInk(source));
    return undefined;
  }
  for (const reference of expression.references) {
    const mistake = checkReference(reference, place, names);
    if (mistake !== undefined) report(mistake.message, mistake.hint, mistake.offset);
  }
  return expression;
}

const firstInk = (source: string) => Math.max(0, source.search(/\S/));

interface Mistake {
  message: string;
  hint: string | undefined;
  offset: number;
}

function checkReference(reference: Reference, place: Place, names: Names): Mistake | undefined {
  const { variable, members, offset, memberOffsets } = reference;
  if (!place.variables.has(variable as Variable)) return absentVariable(variable, offset, place, names);
  const [first] = members;
  const at = memberOffsets[0] ?? offset;
  if (variable === "inputs" && first !== undefined && !names.inputs.has(first)) {
    const hint = didYouMean(first, names.inputs, listed("inputs", names.inputs));
    return { message: `there is no input "${first}"`, hint, offset: at };
  }
  if (variable === "run" && first !== undefined && first !== "id" && first !== "workflow") {
    return { message: `a run has no "${first}"`, hint: "there are run.id and run.workflow", offset: at };
  }
  return variable === "steps" ? checkStepReference(reference, place, names) : undefined;
}

function absentVariable(name: string, offset: number, place: Place, names: Names): Mistake {
  const message = `there is no variable "${name}" here`;
  if (name === "item" || name === "index") {
    return { message, hint: `"${name}" exists in the "with" of a step that has a for-each`, offset };
  }
  if (name === "result") return { message, hint: '"result" exists in the "output" of a step', offset };
  if (names.graph.names.has(name)) return { message, hint: `did you mean "steps.${name}.output"?`, offset };
  if (names.inputs.has(name)) return { message, hint: `did you mean "inputs.${name}"?`, offset };
  const present = variables.filter((variable) => place.variables.has(variable));
  return { message, hint: didYouMean(name, present, `there are: ${present.join(", ")}`), offset };
}

function checkStepReference(reference: Reference, place: Place, names: Names): Mistake | undefined {
  const { members, offset, memberOffsets } = reference;
  const [step, part] = members;
  if (step === undefined) {
    return {
      message: `"steps" must be followed by the name of a step`,
      hint: "such as steps.NAME.output",
      offset,
    };
  }
  const at = memberOffsets[0] ?? offset;
  const { graph } = names;
  if (!graph.names.has(step)) {
    const hint = didYouMean(step, graph.names, listed("steps", graph.names));
    return { message: `there is no step "${step}"`, hint, offset: at };
  }
  if (part !== undefined && part !== "output" && part !== "status") {
    const hint = didYouMean(
      part,
      ["output", "status"],
      `there are steps.${step}.output and steps.${step}.status`,
    );
    return { message: `a step has no "${part}"`, hint, offset: memberOffsets[1] ?? at };
  }
  if (place.step === undefined || graph.ancestors(place.step).has(step)) return undefined;
  if (step === place.step) {
    return {
      message: `the step "${step}" can't use its own output`,
      hint: 'in its "output" that is "result"',
      offset: at,
    };
  }
  return {
    message: `the step "${place.step}" uses the step "${step}" without needing it`,
    hint: `add ${step} to the needs of ${place.step}`,
    offset: at,
  };
}

const listed = (kind: string, names: ReadonlySet<string>) =>
  names.size === 0 ? `the workflow has no ${kind}` : `there are: ${[...names].slice(0, 20).join(", ")}`;
