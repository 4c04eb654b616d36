import { limits, MusterError } from "@muster/sdk/protocol";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import ajvFormats from "ajv-formats";
import isSafePattern from "safe-regex2";
import { depthOf, sentence } from "../validate.ts";

/** Schemas kept compiled; the one used longest ago leaves first. */
const mostCompiled = 2_000;

/**
 * Compiles schemas that come from outside. They are foreign: ajv makes code from them, so their size is bounded,
 * nothing is fetched for them, and patterns that could take exponential time are refused.
 */
export function createForeignSchemas() {
  const compiled = new Map<string, ValidateFunction>();

  function compile(schema: object | boolean): ValidateFunction {
    const text = JSON.stringify(schema);
    let validate = compiled.get(text);
    if (validate === undefined) {
      refuseDangerous(schema, text);
      const ajv = new Ajv2020({ strict: false, allErrors: false, addUsedSchema: false });
      ajvFormats.default(ajv);
      try {
        validate = ajv.compile(schema);
      } catch (cause) {
        throw new MusterError("invalid_request", `A schema does not compile: ${(cause as Error).message}.`, {
          cause,
        });
      }
    } else compiled.delete(text);
    compiled.set(text, validate);
    if (compiled.size > mostCompiled) compiled.delete(compiled.keys().next().value as string);
    return validate;
  }

  return {
    /** Throws a `MusterError` where it can't be used. */
    compile,
    /** Null where the value fits, else where and how it does not. */
    mismatch(schema: Record<string, unknown> | boolean | undefined, value: unknown): string | null {
      if (schema === undefined) return null;
      const validate = compile(schema);
      if (validate(value)) return null;
      const [error] = validate.errors ?? [];
      if (error === undefined) return "the value does not fit";
      const { instancePath, keyword, message = "does not fit", params } = error;
      return `${instancePath || "the value"} ${sentence(keyword, message, params)}`;
    },
  };
}

function refuseDangerous(schema: object | boolean, text: string): void {
  if (text.length > limits.schemaBytes) {
    throw new MusterError(
      "payload_too_large",
      `A schema takes ${text.length} bytes; at most ${limits.schemaBytes} fit.`,
    );
  }
  if (depthOf(text) > limits.jsonDepth) {
    throw new MusterError("limit_exceeded", `A schema is nested more than ${limits.jsonDepth} levels deep.`);
  }
  if (typeof schema === "object" && "$async" in schema) {
    throw new MusterError("invalid_request", "A schema can't be asynchronous.", {
      hint: "Leave out $async.",
    });
  }
  for (const pattern of patternsOf(schema)) {
    if (!isSafePattern(pattern)) {
      throw new MusterError("invalid_request", `The pattern "${pattern}" could take exponential time.`, {
        hint: "Avoid repetitions inside repetitions, such as (a+)+.",
      });
    }
  }
}

function* patternsOf(node: unknown): Generator<string> {
  if (Array.isArray(node)) {
    for (const item of node) yield* patternsOf(item);
  } else if (typeof node === "object" && node !== null) {
    for (const [key, value] of Object.entries(node)) {
      if (key === "pattern" && typeof value === "string") yield value;
      if (key === "patternProperties" && typeof value === "object" && value !== null)
        yield* Object.keys(value);
      yield* patternsOf(value);
    }
  }
}
