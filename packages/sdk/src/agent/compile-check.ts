import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { limits, MusterError } from "../protocol/index.ts";

export interface CheckFault {
  /** One sentence part such as `/files/0 must be string`. */
  message: string;
  errors: { path: string; message: string }[];
}

/** Says where a value breaks its schema; undefined where it does not. */
export type Check = (value: unknown) => CheckFault | undefined;

let ajv: Ajv2020 | undefined;
/** What the compiler knows by name without any schema of ours: its meta-schemas. */
let ownRefs: ReadonlySet<string> = new Set();

/** One compiler for all schemas. It stops at the first fault: listing all of a hostile input would cost too much. */
const compiler = (): Ajv2020 => {
  if (ajv === undefined) {
    ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true });
    formats.default(ajv);
    ownRefs = new Set(Object.keys(ajv.refs));
  }
  return ajv;
};

/**
 * Compiles a JSON Schema (draft 2020-12) once, so that a check of a value costs next to nothing. Refuses a
 * schema that is too large, since compiling generates code, and one that is not valid; `subject` names it.
 */
export const compileCheck = (schema: Record<string, unknown> | boolean, subject: string): Check => {
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  if (bytes > limits.schemaBytes) {
    throw new MusterError(
      "limit_exceeded",
      `${subject} has ${bytes} bytes; ${limits.schemaBytes} are allowed.`,
      {
        hint: "Describe less of the value, or define repeated parts once under $defs.",
      },
    );
  }
  const validate = compile(schema, subject);
  return (value) => (validate(value) ? undefined : faultOf(validate.errors ?? []));
};

const compile = (schema: Record<string, unknown> | boolean, subject: string) => {
  try {
    return compiler().compile(schema);
  } catch (cause) {
    throw new MusterError(
      "invalid_request",
      `${subject} is not a usable JSON Schema: ${(cause as Error).message}.`,
      {
        hint: "It must be draft 2020-12 and may refer only to itself.",
        cause,
      },
    );
  } finally {
    forget(schema);
  }
};

/** Two capabilities may use the same $id, outside or within; the compiler would refuse the second. */
const forget = (schema: Record<string, unknown> | boolean): void => {
  const { refs } = compiler();
  if (typeof schema === "object") compiler().removeSchema(schema);
  for (const ref of Object.keys(refs)) if (!ownRefs.has(ref)) delete refs[ref];
};

const faultOf = (errors: readonly ErrorObject[]): CheckFault => {
  const listed = errors.slice(0, 10).map((error) => ({
    path: error.instancePath,
    message: `${error.message ?? "is not valid"}${extraOf(error)}`,
  }));
  const [first = { path: "", message: "is not valid" }] = listed;
  return { message: `${first.path === "" ? "it" : first.path} ${first.message}`, errors: listed };
};

/** Ajv's messages leave out which property or which values it is about. */
const extraOf = ({ keyword, params }: ErrorObject): string => {
  if (keyword === "additionalProperties") return ` ("${params.additionalProperty}")`;
  if (keyword === "enum") return ` (${JSON.stringify(params.allowedValues).slice(0, 200)})`;
  return "";
};
