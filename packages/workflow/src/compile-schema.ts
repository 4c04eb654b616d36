import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** How many schemas one ajv compiles: it keeps something of each, and making a new one takes milliseconds. */
const schemasPerCompiler = 200;

let compiler = createCompiler();
let compiled = 0;

/** Compiles a foreign JSON Schema, strictly: an unknown keyword or format is an error, as it is mostly a slip. */
export function compileSchema(schema: Record<string, unknown>): ValidateFunction {
  // What a schema names by an `$id` would be known to all that the same ajv compiles later.
  if (JSON.stringify(schema).includes('"$id"')) return createCompiler().compile(schema);
  if (compiled >= schemasPerCompiler) {
    compiler = createCompiler();
    compiled = 0;
  }
  compiled += 1;
  try {
    return compiler.compile(schema);
  } finally {
    compiler.removeSchema(schema);
  }
}

function createCompiler(): Ajv2020 {
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
  return ajv;
}
