import { limits } from "@muster/sdk/protocol";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { isObject, memberOf, parsePointer } from "./path.ts";
import type { ProblemCollector } from "./problems.ts";
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
  const before = problems.count;
  for (const [name, own] of Object.entries(schema.properties)) checkSchema(name, own, problems);
  if (problems.count === before) checkDefaults(schema, problems);
  return schema;
}

function checkSchema(name: string, own: Record<string, unknown>, problems: ProblemCollector): void {
  const path = ["inputs", name];
  if (JSON.stringify(own).length > limits.schemaBytes) {
    problems.report({
      message: `the schema of "${name}" has more than ${limits.schemaBytes} characters`,
      path,
    });
    return;
  }
  try {
    compile({ type: "object", properties: { [name]: own } });
  } catch (error) {
    const reason = (error as Error).message.replace(/^strict mode: /, "");
    const hint = "an input is a JSON Schema (draft 2020-12), such as {type: string}";
    problems.report({ message: `the input "${name}" has a bad schema: ${reason}`, hint, path, at: "key" });
  }
}

function checkDefaults(schema: InputsSchema, problems: ProblemCollector): void {
  const defaults: Record<string, unknown> = {};
  for (const [name, { default: value }] of Object.entries(schema.properties)) {
    if (value !== undefined) defaults[name] = value;
  }
  for (const { keyword, name, message } of validateInputs(schema, defaults)) {
    if (keyword === "required" && name === undefined) continue;
    const path = name === undefined ? ["inputs"] : ["inputs", name, "default"];
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
  const validate = compile(schema);
  validators.set(schema, validate);
  return validate;
}

/** Each schema gets an ajv of its own, so that what one defines (such as an `$id`) is unknown to all others. */
function compile(schema: Record<string, unknown>): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors: true,
    ownProperties: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    logger: false,
  });
  addFormats.default(ajv);
  // A path in the file system. Any text can be one; the command line makes it absolute.
  ajv.addFormat("path", true);
  return ajv.compile(schema);
}
