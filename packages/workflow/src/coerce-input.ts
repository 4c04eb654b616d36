import { schemasOf, unknownInput } from "./check-inputs.ts";
import { memberOf } from "./path.ts";
import { collectProblems } from "./problems.ts";
import type { Workflow, WorkflowProblem } from "./workflow.ts";

export type CoercedInput =
  | { value: unknown; problem: undefined }
  | { value: undefined; problem: WorkflowProblem };

/**
 * What a text on a command line (`--input name=text`) means by the schema of the input: a number, a boolean,
 * null, JSON for lists and objects, otherwise the text itself. An input without a type is JSON where the text
 * is JSON, and text otherwise. Whether the value fits the rest of the schema is for `checkInputs`.
 */
export function coerceInput(workflow: Pick<Workflow, "inputs">, name: string, text: string): CoercedInput {
  const schemas = schemasOf(workflow);
  const schema = schemas.get(name);
  if (schema === undefined) return refuse(name, unknownInput(name, schemas));
  const types = typesOf(schema);
  for (const type of types) {
    const value = readers[type]?.(text);
    if (value !== undefined) return { value, problem: undefined };
  }
  const expected = types.map((type) => words[type]).join(" or ");
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return refuse(name, { message: `the input "${name}" must be ${expected}, and "${shown}" is not` });
}

type TypeName = "null" | "boolean" | "integer" | "number" | "array" | "object" | "string" | "any";

/** Text is tried last, as everything is text. */
const order: TypeName[] = ["null", "boolean", "integer", "number", "array", "object", "string"];

const words: Record<TypeName, string> = {
  null: "null",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  array: 'a list as JSON, such as ["a", "b"]',
  object: 'an object as JSON, such as {"a": 1}',
  string: "text",
  any: "a value",
};

/** Undefined where the text is none of the type. */
const readers: Record<TypeName, (text: string) => unknown> = {
  null: (text) => (text === "null" ? null : undefined),
  boolean: (text) => (text === "true" ? true : text === "false" ? false : undefined),
  integer: (text) => (/^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined),
  number: (text) => readJson(text, (value) => typeof value === "number"),
  array: (text) => readJson(text, Array.isArray),
  object: (text) =>
    readJson(text, (value) => typeof value === "object" && value !== null && !Array.isArray(value)),
  string: (text) => text,
  any: (text) => readJson(text, () => true) ?? text,
};

function typesOf(schema: Record<string, unknown>): TypeName[] {
  const named = memberOf(schema, "type");
  const types = order.filter((type) => (Array.isArray(named) ? named.includes(type) : named === type));
  return types.length === 0 ? ["any"] : types;
}

function readJson(text: string, fits: (value: unknown) => boolean): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return fits(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function refuse(
  name: string,
  { message, hint }: { message: string; hint?: string | undefined },
): CoercedInput {
  const problems = collectProblems(() => undefined);
  problems.report({ message, hint, path: ["inputs", name] });
  return { value: undefined, problem: problems.list()[0]! };
}
