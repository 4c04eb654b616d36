import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";

/** Says what is wrong with a value; null where nothing is. */
export type CheckInput = (input: unknown) => string | null;

/** Errors that one answer names. */
const namedErrors = 5;
const mostInputChars = 4_000_000;

/** Schemas that were compiled before: those of built-in tools are the same objects for all agents. */
const compiled = new WeakMap<object, CheckInput>();

/** Makes a check of a JSON Schema. Throws where it is none. */
export function compileInputCheck(schema: Record<string, unknown>): CheckInput {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  // An instance of its own: schemas with the same `$id` may come from different places.
  const validate = new Ajv2020({
    strict: false,
    allErrors: false,
    validateFormats: false,
    logger: false,
  }).compile(schema);
  const check: CheckInput = (input) => {
    if (JSON.stringify(input ?? null).length > mostInputChars) {
      return `The arguments have more than ${mostInputChars} characters.`;
    }
    return validate(input) ? null : describe(validate);
  };
  compiled.set(schema, check);
  return check;
}

function describe({ errors }: ValidateFunction): string {
  return (errors ?? []).slice(0, namedErrors).map(sentenceOf).join("; ");
}

function sentenceOf({ instancePath, message, keyword, params }: ErrorObject): string {
  const where = instancePath === "" ? "the arguments" : instancePath.slice(1).replaceAll("/", ".");
  const extra = keyword === "additionalProperties" ? ` (${String(params.additionalProperty)})` : "";
  const values = keyword === "enum" ? `: ${JSON.stringify(params.allowedValues)}` : "";
  return `${where} ${message ?? "is wrong"}${extra}${values}`;
}
