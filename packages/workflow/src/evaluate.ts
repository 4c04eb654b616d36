import { limits } from "@muster/sdk/protocol";
import { ConversionError, fromCel, type ResultBudget, toCel } from "./cel-values.ts";
import { compileExpression, describeError, type Expression } from "./expression.ts";
import { ExpressionError } from "./expression-error.ts";
import { BudgetError, createMeter, type Meter, withMeter } from "./metered-evaluation.ts";
import { isObject } from "./path.ts";
import { bareExpression, soleExpression, splitTemplate } from "./template.ts";
import type { Scope, Template, WorkflowStep } from "./workflow.ts";
import { workflowLimits } from "./workflow-limits.ts";

/** What one template may use up, over all of its expressions. */
interface Budget {
  meter: Meter;
  result: ResultBudget;
}

/**
 * Fills in a template. A string that is exactly one `${{ … }}` becomes what the expression gives, of whatever
 * type; in any other string each expression becomes text: strings as they are, everything else as JSON.
 *
 * The result is plain JSON of at most as many characters as a payload may have bytes, and of 64 levels. The values in the scope must not
 * change once they were used. Throws `ExpressionError` and nothing else.
 */
export function evaluate(template: Template, scope: Scope): unknown {
  return fill(template, scope, { meter: createMeter(), result: { characters: limits.payloadBytes } }, 0);
}

/** Whether a step runs at all; without a `when` it does. Throws `ExpressionError`, also for no boolean. */
export function evaluateWhen(step: Pick<WorkflowStep, "when">, scope: Scope): boolean {
  if (step.when === undefined) return true;
  const value = evaluate(`\${{ ${step.when} }}`, scope);
  if (typeof value === "boolean") return value;
  const given = JSON.stringify(value).slice(0, 100);
  throw new ExpressionError(`"when" must give true or false, not ${given}`, step.when);
}

/** The items of a fan-out, at most 10,000. Throws `ExpressionError`, also for no list. */
export function evaluateForEach(step: Pick<WorkflowStep, "forEach">, scope: Scope): unknown[] {
  const value = evaluate(step.forEach, scope);
  const source = (typeof step.forEach === "string" && bareExpression(step.forEach)) || "";
  if (!Array.isArray(value)) throw new ExpressionError(`"for-each" must give a list`, source);
  if (value.length <= workflowLimits.iteratedItems) return value;
  throw new ExpressionError(
    `"for-each" gives ${value.length} items; ${workflowLimits.iteratedItems} are the most`,
    source,
  );
}

function fill(template: Template, scope: Scope, budget: Budget, depth: number): unknown {
  if (depth > limits.jsonDepth)
    throw new ExpressionError(`the template is nested more than ${limits.jsonDepth} levels deep`, "");
  if (typeof template === "string") return fillString(template, scope, budget);
  if (Array.isArray(template)) return template.map((item) => fill(item, scope, budget, depth + 1));
  if (!isObject(template)) return template;
  const entries = Object.entries(template).map(([key, value]) => [
    key,
    fill(value, scope, budget, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

function fillString(text: string, scope: Scope, budget: Budget): unknown {
  const split = splitTemplate(text);
  if (split.unclosed) throw new ExpressionError('a "${{" has no "}}"', text);
  const sole = soleExpression(split);
  if (sole !== undefined) return run(sole, scope, budget);
  return split.parts
    .map((part) => (part.kind === "text" ? part.text : asText(run(part.source, scope, budget))))
    .join("");
}

const asText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

function run(source: string, scope: Scope, { meter, result }: Budget): unknown {
  const expression = compileExpression(source);
  let context: Record<string, unknown> = {};
  try {
    context = contextFor(expression, scope);
    return fromCel(
      withMeter(meter, () => expression.evaluate(context)),
      result,
    );
  } catch (error) {
    throw asExpressionError(error, source);
  } finally {
    // The loops of a parsed expression hold on to their last context, and the expression is kept.
    for (const variable of Object.keys(context)) delete context[variable];
  }
}

function asExpressionError(error: unknown, source: string): ExpressionError {
  if (error instanceof BudgetError) {
    return new ExpressionError(`the expression costs too much: ${error.message}`, source, {
      hint: "let a step do work on that much data",
    });
  }
  if (error instanceof ConversionError) return new ExpressionError(error.message, source);
  return describeError(error, source);
}

/** The variables that an expression uses, in CEL's types. Of the steps, only those that it names. */
function contextFor(expression: Expression, scope: Scope): Record<string, unknown> {
  const context: Record<string, unknown> = {};
  const steps = new Map<string, unknown>();
  for (const { variable, members } of expression.references) {
    if (variable === "steps") {
      const name = members[0];
      if (name !== undefined && Object.hasOwn(scope.steps, name)) {
        const { output, status } = scope.steps[name]!;
        steps.set(
          name,
          new Map([
            ["output", toCel(output ?? null)],
            ["status", status as unknown],
          ]),
        );
      }
      context.steps = steps;
    } else if (variable === "run") {
      context.run = new Map(Object.entries(scope.run));
    } else if (Object.hasOwn(scope, variable)) {
      context[variable] = toCel(scope[variable as "inputs" | "item" | "index" | "result"]);
    }
  }
  return context;
}
