import { limits } from "@muster/sdk/protocol";
import type { ErrorObject, ValidateFunction } from "ajv/dist/2020.js";
import { compileSchema } from "./compile-schema.ts";
import { isObject, memberOf, parsePointer } from "./path.ts";
import type { ProblemCollector, ProblemReport } from "./problems.ts";
import { withinTime } from "./within-time.ts";
import { workflowLimits } from "./workflow-limits.ts";

/** The JSON Schema of an inputs object: closed, and with everything required that has no default. */
export interface InputsSchema extends Record<string, unknown> {
  type: "object";
  properties: Record<string, Record<string, unknown>>;
  required: string[];
  additionalProperties: false;
}

/** Completes the `inputs` of a document to a schema and reports schemas and defaults that are wrong. */
export function checkInputSchemas(inputs: unknown, problems: ProblemCollector): InputsSchema {
  const schema: InputsSchema = { type: "object", properties: {}, required: [], additionalProperties: false };
  for (const [name, input] of Object.entries(isObject(inputs) ? inputs : {})) {
    if (!isObject(input)) continue;
    const { required, ...own } = input;
    const hasDefault = Object.hasOwn(input, "default");
    if (required === true && hasDefault) {
      const message = `the input "${name}" has a default, so it can't be required`;
      problems.report({
        message,
        hint: "take one of the two away",
        path: ["inputs", name, "required"],
        at: "key",
      });
    }
    schema.properties[name] = Array.isArray(required) ? { ...own, required } : own;
    if (required !== false && !hasDefault) schema.required.push(name);
  }
  if (Object.keys(schema.properties).length === 0) return schema;
  if (checkSchemas(schema, problems)) checkDefaults(schema, problems);
  return schema;
}

function checkSchemas(schema: InputsSchema, problems: ProblemCollector): boolean {
  for (const [name, own] of Object.entries(schema.properties)) {
    if (JSON.stringify(own).length <= limits.schemaBytes) continue;
    const message = `the schema of "${name}" has more than ${limits.schemaBytes} characters`;
    problems.report({ message, path: ["inputs", name] });
    return false;
  }
  if (schemaError(schema) === undefined) return true;
  const before = problems.count;
  for (const [name, own] of Object.entries(schema.properties)) {
    const reason = schemaError({ type: "object", properties: { [name]: own } });
    if (reason !== undefined)
      problems.report(badSchema(`the input "${name}" has a bad schema`, reason, [name]));
  }
  // What is only wrong in sum, such as one `$id` for two inputs.
  const together = schemaError(schema) ?? "";
  if (problems.count === before) problems.report(badSchema("the inputs have bad schemas", together, []));
  return false;
}

const badSchema = (message: string, reason: string, place: string[]): ProblemReport => ({
  message: `${message}: ${reason}`,
  hint: "an input is a JSON Schema (draft 2020-12), such as {type: string}",
  path: ["inputs", ...place],
  at: "key",
});

function schemaError(schema: Record<string, unknown>): string | undefined {
  try {
    validatorOf(schema);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^strict mode: /, "");
  }
}

function checkDefaults(schema: InputsSchema, problems: ProblemCollector): void {
  const defaults: Record<string, unknown> = {};
  for (const [name, { default: value }] of Object.entries(schema.properties)) {
    if (value !== undefined) defaults[name] = value;
  }
  for (const { keyword, name, message } of validateInputs(schema, defaults)) {
    if (name === undefined) {
      if (keyword !== "required") problems.report({ message, path: ["inputs"], at: "key" });
      continue;
    }
    const path = ["inputs", name, "default"];
    problems.report({ message: `the default of "${name}" breaks its schema: ${message}`, path });
  }
}

export interface InputError {
  keyword: string;
  /** The input that is wrong; undefined where the object as a whole is. */
  name: string | undefined;
  /** Such as `must be string`, with the place inside the input where it is not the input itself. */
  message: string;
}

/** Everything that breaks the schema. A check that takes too long counts as broken. */
export function validateInputs(
  schema: Record<string, unknown>,
  inputs: Record<string, unknown>,
): InputError[] {
  const validate = validatorOf(schema);
  let errors: readonly ErrorObject[] = [];
  const ended = withinTime(workflowLimits.inputCheckMs, () => {
    validate(inputs);
    errors = validate.errors ?? [];
  });
  if (!ended) {
    const message = `checking the inputs takes longer than ${workflowLimits.inputCheckMs} ms; is a pattern too complex?`;
    return [{ keyword: "timeout", name: undefined, message }];
  }
  return errors.slice(0, workflowLimits.problems).map((error) => {
    const [name, ...inner] = parsePointer(error.instancePath, inputs);
    const place = inner.length === 0 ? "" : `${inner.join(".")} `;
    return {
      keyword: error.keyword,
      name: name?.toString(),
      message: `${place}${error.message}${detail(error)}`,
    };
  });
}

function detail(error: ErrorObject): string {
  const allowed = memberOf(error.params, "allowedValues");
  if (Array.isArray(allowed)) return `: ${allowed.map((value) => JSON.stringify(value)).join(", ")}`;
  const extra = memberOf(error.params, "additionalProperty");
  return typeof extra === "string" ? `: "${extra}"` : "";
}

const validators = new WeakMap<object, ValidateFunction>();

function validatorOf(schema: Record<string, unknown>): ValidateFunction {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const validate = compileSchema(schema);
  validators.set(schema, validate);
  return validate;
}
