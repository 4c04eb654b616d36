import { Ajv, type ErrorObject } from "ajv";
import { closestName, didYouMean } from "./closest-name.ts";
import { formatPath, isObject, memberOf, type Path, parsePointer } from "./path.ts";
import type { ProblemCollector, ProblemReport } from "./problems.ts";
import { WorkflowDocument } from "./workflow-schema.ts";

const validate = new Ajv({ allErrors: true, verbose: true, strict: false }).compile(WorkflowDocument);

/** What other systems call the things that we have, so that a habit gets the right hint. */
const habits: Record<string, string> = {
  if: "when",
  condition: "when",
  depends_on: "needs",
  "depends-on": "needs",
  dependsOn: "needs",
  after: "needs",
  uses: "capability",
  run: "capability",
  skill: "capability",
  input: "with",
  params: "with",
  args: "with",
  matrix: "for-each",
  loop: "for-each",
  retries: "retry",
  "timeout-minutes": "timeout",
  outputs: "output",
  "on-budget": "on-reached",
  cost: "money",
  jobs: "steps",
  tasks: "steps",
};

/** Reports every place where a document breaks the schema: unknown and missing keys, wrong types, bad values. */
export function checkShape(document: unknown, problems: ProblemCollector): void {
  if (!isObject(document)) {
    const message =
      document === null ? "the workflow is empty" : `a workflow must be an object, not ${kindOf(document)}`;
    problems.report({ message, hint: "it needs at least `name` and `steps`", path: [] });
    return;
  }
  if (validate(document)) return;
  for (const error of withoutWrongBranches(validate.errors ?? [])) {
    problems.report(describe(error, parsePointer(error.instancePath, document)));
  }
}

/**
 * Where a value may be one of several kinds, ajv reports what is wrong with each. We keep what is wrong with
 * the kind that the author chose, or, where it is none of them, only that.
 */
function withoutWrongBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  const dropped = new Set<ErrorObject>();
  for (const choice of errors.filter((error) => error.keyword === "anyOf")) {
    const inside = errors.filter(
      (error) => error.schemaPath.startsWith(`${choice.schemaPath}/`) && below(error, choice),
    );
    const chosen = branches(inside, choice).filter(
      (branch) => !branch.some((error) => isWrongKind(error, choice)),
    );
    if (chosen.length === 1 && !isKeyChoice(choice)) {
      dropped.add(choice);
      for (const error of inside) if (!chosen[0]!.includes(error)) dropped.add(error);
    } else {
      for (const error of inside) dropped.add(error);
    }
  }
  return errors.filter((error) => !dropped.has(error));
}

const below = (error: ErrorObject, outer: ErrorObject) =>
  error.instancePath === outer.instancePath || error.instancePath.startsWith(`${outer.instancePath}/`);

function branches(inside: ErrorObject[], choice: ErrorObject): ErrorObject[][] {
  const byBranch = new Map<string, ErrorObject[]>();
  for (const error of inside) {
    const branch = error.schemaPath.slice(choice.schemaPath.length + 1).split("/")[0]!;
    byBranch.set(branch, [...(byBranch.get(branch) ?? []), error]);
  }
  return [...byBranch.values()];
}

const isWrongKind = (error: ErrorObject, choice: ErrorObject) =>
  error.keyword === "type" && error.instancePath === choice.instancePath;

/** The choice between `capability` and `agent`, which is about keys and not about kinds of values. */
const isKeyChoice = (choice: ErrorObject) => choice.parentSchema?.type === "object";

function describe(error: ErrorObject, path: Path): ProblemReport {
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case "additionalProperties":
      return unknownKey(error, path, String(params.additionalProperty));
    case "required":
      return { message: `"${params.missingProperty}" is missing`, path, at: "key" };
    case "anyOf":
      if (isKeyChoice(error)) return missingTarget(path);
      return wrongValue(error, path, describeSchema(error.parentSchema));
    case "type":
      // Of several types none is worth naming alone; the description knows what is meant.
      if (Array.isArray(error.schema)) return wrongValue(error, path, describeSchema(error.parentSchema));
      return wrongValue(
        error,
        path,
        `${article(String(params.type))}, ${error.data === null ? "and is empty" : `not ${kindOf(error.data)}`}`,
      );
    case "enum":
      return wrongEnum(error, path, params.allowedValues as string[]);
    case "pattern":
      return wrongValue(error, path, describeSchema(error.parentSchema));
    case "minProperties":
      return { message: `"${path.at(-1)}" is empty`, hint: "write at least one step", path };
    default:
      return outOfBounds(error, path);
  }
}

const missingTarget = (path: Path): ProblemReport => ({
  message: `the step "${path.at(-1)}" says neither "capability" nor "agent"`,
  hint: "name the capability that it needs, or the agent that shall do it",
  path,
  at: "key",
});

/** The last part of a path, with the list that it is a place in. */
const nameOf = (path: Path): string => formatPath(path.slice(typeof path.at(-1) === "number" ? -2 : -1));

function wrongValue(error: ErrorObject, path: Path, expected: string): ProblemReport {
  return { message: `"${nameOf(path)}" must be ${expected}`, hint: expressionHint(error.data), path };
}

function outOfBounds(error: ErrorObject, path: Path): ProblemReport {
  const bound = String(error.message).replace("NOT", "not").replace("properties", "entries");
  return { message: `"${nameOf(path)}" ${bound}`, path };
}

function wrongEnum(error: ErrorObject, path: Path, allowed: string[]): ProblemReport {
  const closest = typeof error.data === "string" ? didYouMean(error.data, allowed) : undefined;
  const message = `"${path.at(-1)}" must be one of ${allowed.join(", ")}`;
  return { message, hint: expressionHint(error.data) ?? closest, path };
}

/** People write expressions everywhere once they have seen them. */
const expressionHint = (value: unknown) =>
  typeof value === "string" && value.includes("${{")
    ? "expressions may stand in with, for-each, when and output only"
    : undefined;

function unknownKey(error: ErrorObject, path: Path, key: string): ProblemReport {
  const inner = [...path, key];
  if (path.length === 1 && (path[0] === "steps" || path[0] === "inputs")) {
    return { ...badIdentifier(key, path[0]), path: inner, at: "key" };
  }
  const message = `unknown key "${key}"`;
  if (key === "<<") {
    return {
      message,
      hint: "YAML merge keys are not supported; write the values out",
      path: inner,
      at: "key",
    };
  }
  const allowed = Object.keys(error.parentSchema?.properties ?? {});
  const habit = memberOf(habits, key);
  const meant = typeof habit === "string" && allowed.includes(habit) ? habit : closestName(key, allowed);
  const hint = meant === undefined ? `possible here: ${allowed.join(", ")}` : `did you mean "${meant}"?`;
  return { message, hint, path: inner, at: "key" };
}

function badIdentifier(name: string, kind: "steps" | "inputs") {
  const noun = kind === "steps" ? "a step" : "an input";
  const better = name.replaceAll(/[^A-Za-z0-9]+/g, "_").replace(/^[^A-Za-z]+/, "");
  const example = better !== "" && new RegExp(identifier).test(better) ? `, such as "${better}"` : "";
  const hint = `letters, digits and _ only, starting with a letter, so that expressions can say ${kind}.NAME${example}`;
  return { message: `"${name}" can't be the name of ${noun}`, hint };
}

const identifier = "^[A-Za-z][A-Za-z0-9_]*$";

function describeSchema(schema: ErrorObject["parentSchema"]): string {
  const text: unknown = schema?.description;
  return typeof text === "string" ? text.charAt(0).toLowerCase() + text.slice(1) : "something else";
}

const article = (type: string) => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);

/** What kind of JSON value something is, in words. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : article(typeof value);
}
