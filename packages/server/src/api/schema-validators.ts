import { limits, MusterError } from "@muster/sdk/protocol";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import addFormatsModule from "ajv-formats";
import type { TSchema } from "typebox";
import { describeMistakes } from "./describe-mistakes.ts";
import type { NamedSchemas } from "./named-schemas.ts";

type Json = Record<string, unknown>;

// The module is CommonJS: depending on who loads it, the function is the module or its default.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default;

/** Checks one value. Throws `invalid_request` that names every mistake it found. */
export type Check = (value: unknown) => void;

/**
 * Checks what comes in. Bodies are taken as they are: nothing is converted, removed or filled in, and an
 * unknown field is a mistake. Query strings and paths are text, so their numbers are read from text.
 */
export interface SchemaValidators {
  body(schema: TSchema): Check;
  /** The value is changed in place: numbers are read from text and defaults filled in. */
  text(schema: TSchema): Check;
}

/** A check is compiled when it is first used: most processes use few, and compiling takes its time. */
export function createSchemaValidators(named: NamedSchemas): SchemaValidators {
  const bodies = createAjv({ coerceTypes: false, useDefaults: false });
  const texts = createAjv({ coerceTypes: true, useDefaults: true });

  function compile(ajv: Ajv2020, schema: TSchema): ValidateFunction {
    const prepared = prepare(named.refer(schema));
    for (const known of named.all()) {
      if (ajv.schemas[known.$id as string] === undefined) ajv.addSchema(prepare(known) as Json);
    }
    return ajv.compile(prepared as Json);
  }

  function checkWith(ajv: Ajv2020, schema: TSchema, where: string): Check {
    let compiled: ValidateFunction | undefined;
    return (value) => {
      compiled ??= compile(ajv, schema);
      const validate = compiled;
      if (!validate(value)) throw invalid(where, validate.errors ?? []);
    };
  }

  return {
    body(schema) {
      const check = checkWith(bodies, schema, "The body");
      return (value) => {
        if (value === undefined || value === null) throw bodyMissing();
        check(value);
      };
    },
    text: (schema) => checkWith(texts, schema, "The address"),
  };
}

function createAjv(options: { coerceTypes: boolean; useDefaults: boolean }): Ajv2020 {
  // One mistake is enough: collecting all of them would let a small request ask for a lot of work.
  const ajv = new Ajv2020({
    ...options,
    removeAdditional: false,
    allErrors: false,
    verbose: true,
    strict: false,
    discriminator: true,
  });
  addFormats(ajv);
  ajv.addKeyword({
    keyword: "databaseText",
    type: "string",
    schemaType: "string",
    validate: (kind: string, value: string) =>
      !value.includes("\u0000") && (kind === "free" || !/\p{Surrogate}/u.test(value)),
    error: { message: "must not hold NUL characters or half surrogate pairs" },
  });
  return ajv;
}

/**
 * Marks every string that a schema declares. These become database text, which holds no NUL. Names and keys
 * must be well-formed Unicode too, since half a surrogate pair would turn into another key; free text may be
 * cut anywhere. What a schema leaves open, such as inputs and outputs, is kept as JSON and may hold anything.
 * Variants that one field tells apart are marked as such, so that only the one that was meant is measured.
 */
function prepare(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(prepare);
  if (!isObject(schema)) return schema;
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, prepare(value)]),
  ) as Json;
  if (copy.type === "string" && copy.enum === undefined && copy.const === undefined) {
    copy.databaseText = copy.maxLength === limits.textLength ? "free" : "exact";
  }
  const tag = tagOf(copy.anyOf);
  if (tag === undefined) return copy;
  const { anyOf, ...others } = copy;
  return { ...others, type: "object", oneOf: anyOf, discriminator: { propertyName: tag } };
}

/** The required field that is a different constant in each of several object schemas. */
function tagOf(variants: unknown): string | undefined {
  if (!Array.isArray(variants)) return undefined;
  const tagsOf = (variant: unknown): string[] => {
    if (!isObject(variant) || !isObject(variant.properties) || !Array.isArray(variant.required)) return [];
    const { properties } = variant;
    return variant.required.filter((name) => isObject(properties[name]) && "const" in properties[name]);
  };
  return tagsOf(variants[0]).find((tag) => variants.every((variant) => tagsOf(variant).includes(tag)));
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

function invalid(where: string, found: ErrorObject[]): MusterError {
  const { errors, hint } = describeMistakes(found);
  const first = errors[0];
  const detail = first === undefined ? "breaks its schema" : `${first.path || "as a whole"} ${first.message}`;
  return new MusterError("invalid_request", `${where} is not valid: ${detail}.`, {
    errors,
    hint: hint ?? "The schema of every request is in /openapi.json.",
  });
}

const bodyMissing = (): MusterError =>
  new MusterError("invalid_request", "This request needs a JSON body and has none.", {
    hint: "Send a JSON object with content-type: application/json.",
  });
