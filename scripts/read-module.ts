import { parseSync } from "oxc-parser";

/** A node of the syntax tree, as far as the checks look at one. */
export interface SyntaxNode {
  type: string;
  start: number;
  end: number;
  [member: string]: unknown;
}

export interface ImportedModule {
  /** What stands between the quotes; null where it is worked out at run time. */
  specifier: string | null;
  line: number;
}

export interface GlobalUse {
  /** For example `Date.now` or `setTimeout`. */
  name: string;
  line: number;
}

export interface SourceModule {
  imports: ImportedModule[];
  globals: GlobalUse[];
}

/** The line, counted from 1, of each offset in a text. */
export function lineCounter(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}

/** The syntax tree of a source file; throws on one that does not parse. */
export function parseModule(file: string, text: string): SyntaxNode {
  const { program, errors } = parseSync(file, text);
  const first = errors[0];
  if (first !== undefined) throw new Error(`${file} does not parse: ${first.message}`);
  return program as unknown as SyntaxNode;
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === "object" && value !== null && typeof (value as SyntaxNode).type === "string";

/** The children of a node, with the member that holds each. */
export function* childrenOf(node: SyntaxNode): Generator<[string, SyntaxNode]> {
  for (const [member, value] of Object.entries(node)) {
    if (isNode(value)) yield [member, value];
    else if (Array.isArray(value)) for (const item of value) if (isNode(item)) yield [member, item];
  }
}

/** Everything that a file imports, and every global of the host that it uses. */
export function readModule(file: string, text: string): SourceModule {
  const program = parseModule(file, text);
  const lineOf = lineCounter(text);
  const imports: ImportedModule[] = [];
  const bound = new Set<string>();
  const used: GlobalUse[] = [];
  visit(program, null, "", {
    imported: (specifier, node) => imports.push({ specifier, line: lineOf(node.start) }),
    binds: (name) => bound.add(name),
    uses: (name, node) => used.push({ name, line: lineOf(node.start) }),
  });
  // A name that the file itself declares anywhere is taken for its own.
  return { imports, globals: used.filter(({ name }) => !bound.has(name.split(".")[0] as string)) };
}

interface Observer {
  imported(specifier: string | null, node: SyntaxNode): void;
  binds(name: string): void;
  uses(name: string, node: SyntaxNode): void;
}

const importing = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);
/** Wrappers of values among the type nodes; all others hold only types. */
const valueTypes = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSInstantiationExpression",
]);

function visit(node: SyntaxNode, parent: SyntaxNode | null, member: string, observer: Observer): void {
  noteImport(node, observer);
  if (node.type === "Identifier") noteIdentifier(node, parent, member, observer);
  noteDate(node, observer);
  for (const [name, child] of childrenOf(node)) visit(child, node, name, observer);
}

function noteImport(node: SyntaxNode, observer: Observer): void {
  if (!importing.has(node.type)) return;
  const source = node.source as (SyntaxNode & { value?: unknown }) | null;
  if (isNode(source)) observer.imported(typeof source.value === "string" ? source.value : null, node);
}

function noteIdentifier(node: SyntaxNode, parent: SyntaxNode | null, member: string, observer: Observer) {
  const name = node.name as string;
  if (parent === null || (parent.type.startsWith("TS") && !valueTypes.has(parent.type))) return;
  if (isBinding(parent, member)) observer.binds(name);
  else if (isNameOnly(parent, member)) return;
  else if (parent.type === "MemberExpression" && member === "object" && !parent.computed) {
    observer.uses(`${name}.${(parent.property as SyntaxNode).name}`, node);
  } else observer.uses(name, node);
}

/** `new Date()` and `Date()` read the clock; `new Date(ms)` does not. */
function noteDate(node: SyntaxNode, observer: Observer): void {
  if (node.type !== "NewExpression" && node.type !== "CallExpression") return;
  const callee = node.callee as SyntaxNode;
  if (callee.type !== "Identifier" || callee.name !== "Date") return;
  if (node.type === "CallExpression" || (node.arguments as unknown[]).length === 0) {
    observer.uses("Date()", node);
  }
}

const functions = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

function isBinding(parent: SyntaxNode, member: string): boolean {
  if (functions.has(parent.type)) return member === "params" || member === "id";
  if (parent.type === "VariableDeclarator" || parent.type.startsWith("Class")) return member === "id";
  if (parent.type === "CatchClause") return member === "param";
  if (parent.type.endsWith("Specifier")) return parent.type.startsWith("Import") && member === "local";
  return parent.type === "RestElement" || parent.type === "ArrayPattern";
}

/** A property's name, a label, an exported name: a name, but no variable. */
function isNameOnly(parent: SyntaxNode, member: string): boolean {
  if (parent.type === "MemberExpression") return member === "property" && parent.computed !== true;
  if (member === "key") return parent.computed !== true;
  return parent.type.endsWith("Specifier") || member === "label" || parent.type === "MetaProperty";
}
