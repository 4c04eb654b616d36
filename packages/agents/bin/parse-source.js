// Parses sources and prints their top level as JSON, one line of { name, text } in and one line out. It runs
// in a process of its own, since the native parser overflows the stack on deeply nested sources and takes its
// process with it. It is plain JavaScript, so that it starts the same from the sources and from a build.
// It ends with its standard input, so it never outlives the process that wants something of it.
import { parseSync, Visitor } from "oxc-parser";

const maxErrors = 20;
const maxImports = 500;

/** Members of a syntax tree that the outline takes from the text instead. */
const unread = new Set([
  "params",
  "returnType",
  "typeParameters",
  "typeAnnotation",
  "decorators",
  "superClass",
  "superTypeArguments",
  "implements",
  "extends",
  "attributes",
  "range",
]);
const keptStatements = /^(Export|Function|Class|Variable|Expression|TS)/;
const keptDeclarations = /^(Identifier|Function|Class|Variable|Arrow|TS)/;
const keptValues =
  /^(.*Pattern|Identifier|Literal|MemberExpression|FunctionExpression|ArrowFunctionExpression|ClassExpression|AssignmentExpression|ObjectExpression|FunctionDeclaration|ClassDeclaration)$/;

const shell = ({ type, start, end }) => ({ type, start, end });
const isNode = (value) => value !== null && typeof value === "object" && typeof value.type === "string";

/** Replaces function bodies and nested values by their place, so that the answer stays small. */
function prune(key, value) {
  if (unread.has(key)) return undefined;
  if (typeof value === "bigint") return String(value);
  if (!isNode(value)) return value;
  if (value.type === "StaticBlock" || (key === "body" && value.type !== "ClassBody")) return shell(value);
  if (key === "expression" && !/^(AssignmentExpression|Identifier)$/.test(value.type)) return shell(value);
  if (key === "declaration" && !keptDeclarations.test(value.type)) return shell(value);
  if (key === "object" && !/^(Identifier|MemberExpression)$/.test(value.type)) return shell(value);
  if (key === "init" || key === "right" || key === "value") {
    const isNested = this.type === "Property" || this.type === "PropertyDefinition";
    if (!keptValues.test(value.type) || (isNested && value.type === "ObjectExpression")) return shell(value);
  }
  return value;
}

const languageOf = (name) => {
  if (/\.d\.[cm]?ts$/.test(name)) return "dts";
  if (name.endsWith(".tsx")) return "tsx";
  return /\.[cm]?ts$/.test(name) ? "ts" : "jsx";
};

const parse = (name, text) => {
  const lang = languageOf(name);
  const sourceType = /\.m[jt]s$/.test(name) ? "module" : /\.c[jt]s$/.test(name) ? "commonjs" : "unambiguous";
  const result = parseSync(name, text, { lang, sourceType, preserveParens: false });
  if (sourceType !== "unambiguous" || result.errors.length === 0) return result;
  const script = parseSync(name, text, { lang, sourceType: "commonjs", preserveParens: false });
  return script.errors.length === 0 ? script : result;
};

const importsOf = (result) => {
  const imports = new Set();
  const add = (source) => {
    if (source?.type === "Literal" && typeof source.value === "string") imports.add(source.value);
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source),
    CallExpression: (node) => {
      if (node.callee.type === "Identifier" && node.callee.name === "require") add(node.arguments[0]);
    },
  }).visit(result.program);
  return [...imports].sort().slice(0, maxImports);
};

const outline = ({ name, text }) => {
  const result = parse(name, text);
  const errors = result.errors.slice(0, maxErrors).map(({ message, labels }) => ({
    message,
    start: labels[0]?.start ?? 0,
  }));
  if (errors.length > 0) return { body: [], comments: [], imports: [], errors };
  return {
    body: result.program.body.filter((statement) => keptStatements.test(statement.type)),
    comments: result.comments.map(({ type, value, start, end }) =>
      type === "Block" && value.startsWith("*") ? { start, end, value } : { start, end },
    ),
    imports: importsOf(result),
    errors: [],
  };
};

let pending = [];
for await (const chunk of process.stdin) {
  const lineEnd = chunk.indexOf(10);
  if (lineEnd === -1) {
    pending.push(chunk);
    continue;
  }
  const line = Buffer.concat([...pending, chunk.subarray(0, lineEnd)]).toString("utf8");
  pending = [chunk.subarray(lineEnd + 1)];
  process.stdout.write(`${JSON.stringify(outline(JSON.parse(line)), prune)}\n`);
}
