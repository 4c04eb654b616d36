import { type ASTNode, Environment, type ParseResult } from "@marcbachmann/cel-js";
import { didYouMean } from "./closest-name.ts";
import { ExpressionError } from "./expression-error.ts";
import { findReferences, type Reference } from "./expression-references.ts";
import { instrument } from "./metered-evaluation.ts";
import { childNodes } from "./syntax-tree.ts";
import { workflowLimits } from "./workflow-limits.ts";

/** Every variable that there is somewhere; the checks say which of them a place has. */
export const variables = ["inputs", "steps", "run", "item", "index", "result"] as const;
export type Variable = (typeof variables)[number];

/** A parsed expression. Evaluating it costs units of the meter that it runs on. */
export interface Expression {
  source: string;
  references: readonly Reference[];
  /** CEL's name for the type of the result; `dyn` where only a run can tell. */
  type: string;
  evaluate(context: Record<string, unknown>): unknown;
}

const environment = createEnvironment();

/** CEL with our variables, plus arithmetic that mixes whole and fractional numbers, as JSON does not tell them apart. */
function createEnvironment(): Environment {
  const created = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: workflowLimits.expressionNodes, maxDepth: workflowLimits.expressionDepth },
  });
  for (const variable of variables) created.registerVariable(variable, "dyn");
  for (const [left, right] of [
    ["int", "double"],
    ["double", "int"],
  ]) {
    created.registerOperator(`${left} + ${right}`, (a, b) => Number(a) + Number(b));
    created.registerOperator(`${left} - ${right}`, (a, b) => Number(a) - Number(b));
    created.registerOperator(`${left} * ${right}`, (a, b) => Number(a) * Number(b));
    created.registerOperator(`${left} / ${right}`, (a, b) => Number(a) / Number(b));
  }
  return created;
}

const functionNames = new Set(environment.getDefinitions().functions.map(({ name }) => name));

/** Parsed expressions, the most recently used last. A syntax tree grows with its source, so that is bounded. */
const cache = new Map<string, Expression>();
const cacheCharacters = 32 * 1024;
let cachedCharacters = 0;

/** Parses an expression and checks its types as far as they are known. Throws `ExpressionError`. */
export function compileExpression(source: string): Expression {
  const cached = cache.get(source);
  if (cached !== undefined) {
    cache.delete(source);
    cache.set(source, cached);
    return cached;
  }
  const expression = compile(source);
  cache.set(source, expression);
  cachedCharacters += source.length;
  for (const oldest of cache.keys()) {
    if (cachedCharacters <= cacheCharacters) break;
    cache.delete(oldest);
    cachedCharacters -= oldest.length;
  }
  return expression;
}

function compile(source: string): Expression {
  if (source.trim() === "") throw new ExpressionError("the expression is empty", source);
  if (source.length > workflowLimits.expressionLength) {
    const reason = `the expression has ${source.length} characters; ${workflowLimits.expressionLength} are the most`;
    throw new ExpressionError(reason, source);
  }
  const parsed = parse(source);
  refuseUnsupported(parsed.ast, source);
  const references = findReferences(parsed.ast);
  const { valid, type, error } = parsed.check();
  if (!valid && !isUnknownVariable(error)) throw describeError(error, source);
  const expression = {
    source,
    references,
    type: type ?? "dyn",
    evaluate: (context: Record<string, unknown>) => parsed(context),
  };
  instrument(parsed.ast);
  return expression;
}

function parse(source: string): ParseResult {
  try {
    return environment.parse(source);
  } catch (error) {
    throw describeError(error, source);
  }
}

/** An unknown variable is reported by the reference check, which knows better what may have been meant. */
const isUnknownVariable = (error: unknown) => memberText(error, "code") === "unknown_variable";

/** What the library throws (or anything else, such as a stack overflow) as our error, with a hint. */
export function describeError(error: unknown, source: string): ExpressionError {
  if (error instanceof ExpressionError) return error;
  const code = memberText(error, "code");
  const summary = memberText(error, "summary") ?? (error instanceof Error ? error.message : String(error));
  const range = (error as { range?: { start: number } } | undefined)?.range;
  const { reason, hint } = explain(code, summary);
  return new ExpressionError(reason, source, { hint, offset: range?.start });
}

const memberText = (error: unknown, key: string): string | undefined => {
  const value = (error as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === "string" ? value : undefined;
};

function explain(code: string | undefined, summary: string): { reason: string; hint?: string | undefined } {
  const reason = summary.charAt(0).toLowerCase() + summary.slice(1).replaceAll(/dyn<([^<>]+)>/g, "$1");
  switch (code) {
    case "no_matching_overload": {
      const name = /'(?:[^'(]*\.)?([A-Za-z_]\w*)\(/.exec(summary)?.[1];
      if (name === undefined || functionNames.has(name)) return { reason };
      return { reason: `there is no function "${name}"`, hint: didYouMean(name, functionNames) };
    }
    case "no_such_key":
      return {
        reason: `there is no member "${summary.replace(/^No such key: /, "")}"`,
        hint: "has(a.b) says whether a has a member b",
      };
    case "limit_exceeded":
      return { reason: "the expression is too long or nested too deeply", hint: "let a step do part of it" };
    case "no_such_overload":
      return { reason, hint: summary.includes("string") ? "string(x) makes text of a number" : undefined };
    case "incompatible_ternary_branches":
      return { reason, hint: "wrap one of them in dyn(…) if that is meant" };
    case "unexpected_token":
    case "expected_token":
    case "unexpected_character":
      return { reason: `${reason.replaceAll("EOF", "the end of the expression")}` };
    default:
      return { reason };
  }
}

/** What the library offers and we do not: either unsafe, or not doing what it looks like. */
function refuseUnsupported(node: ASTNode, source: string): void {
  const refuse = (reason: string, hint: string): never => {
    throw new ExpressionError(reason, source, { hint, offset: node.start });
  };
  if (node.op === "rcall" && node.args[0] === "matches") {
    // The library runs the pattern with JavaScript's engine, and a hostile pattern takes for ever.
    refuse("matches() is not offered", "use startsWith, endsWith or contains");
  }
  if (node.op === "map") {
    for (const [key] of node.args) {
      // The library leaves these members out without a word.
      if (key.op === "value" && ["__proto__", "constructor", "prototype"].includes(String(key.args))) {
        refuse(`"${String(key.args)}" can't be a key here`, "choose another name");
      }
    }
  }
  for (const child of childNodes(node)) refuseUnsupported(child, source);
}
