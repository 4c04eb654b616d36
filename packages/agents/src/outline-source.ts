import type { ParsedSource, SyntaxNode } from "./parse-source.ts";
import { createSourceText, type SourceText } from "./source-text.ts";

/** What an export is. A re-export is known by name only: what it is stands in another file. */
export type ExportKind =
  | "function"
  | "class"
  | "constructor"
  | "method"
  | "accessor"
  | "constant"
  | "variable"
  | "type"
  | "interface"
  | "enum"
  | "namespace"
  | "value"
  | "re-export";

export interface OutlinedExport {
  /** As importers write it; public members of a class as `Class.member`. */
  name: string;
  kind: ExportKind;
  signature: string;
  /** The JSDoc comment in front of it, without its stars. */
  comment?: string;
  line: number;
}

/** A declaration of the top level, and where its statement begins (before `export`). */
interface Declared {
  node: SyntaxNode;
  statementStart: number;
  /** `const`, `let` or `var` of a declarator. */
  keyword: string | undefined;
}

/** Lists what a source exports, in the order of the text: ES modules, and the usual ways of CommonJS. */
export const outlineSource = (text: string, parsed: ParsedSource): OutlinedExport[] => {
  const source = createSourceText(text, parsed.comments);
  const declared = declarationsOf(parsed.body);
  const exports = parsed.body.flatMap((statement) => exportsOf(statement, declared, source));
  return withoutRepeats(exports);
};

const exportsOf = (
  statement: SyntaxNode,
  declared: ReadonlyMap<string, Declared[]>,
  source: SourceText,
): OutlinedExport[] => {
  switch (statement.type) {
    case "ExportNamedDeclaration":
      return namedExports(statement, declared, source);
    case "ExportDefaultDeclaration":
      return valueExport("default", statement.declaration as SyntaxNode, statement.start, declared, source);
    case "ExportAllDeclaration": {
      const name = nameOf(statement.exported) ?? "*";
      return [reExport(name, statement, source)];
    }
    case "TSExportAssignment":
      return valueExport("default", statement.expression as SyntaxNode, statement.start, declared, source);
    case "ExpressionStatement":
      return commonJsExports(statement.expression as SyntaxNode, statement.start, declared, source);
    default:
      return [];
  }
};

const namedExports = (
  statement: SyntaxNode,
  declared: ReadonlyMap<string, Declared[]>,
  source: SourceText,
): OutlinedExport[] => {
  if (statement.declaration !== null) {
    return declaredBy(statement.declaration as SyntaxNode, statement.start).flatMap(([name, declaration]) =>
      isBehindOverloads(declaration, declared.get(name) ?? []) ? [] : describe(name, declaration, source),
    );
  }
  return (statement.specifiers as SyntaxNode[]).flatMap((specifier) => {
    const name = nameOf(specifier.exported) ?? "default";
    const found = statement.source === null ? declared.get(nameOf(specifier.local) ?? "") : undefined;
    if (found === undefined) return [reExport(name, statement, source)];
    return found.flatMap((declaration) => describe(name, declaration, source));
  });
};

const reExport = (name: string, statement: SyntaxNode, source: SourceText): OutlinedExport => ({
  ...head(name, "re-export", statement.start, statement.start, source),
  signature: source.slice(statement.start, statement.end),
});

/** `module.exports = …`, `exports.name = …` and chains of them. */
const commonJsExports = (
  expression: SyntaxNode,
  statementStart: number,
  declared: ReadonlyMap<string, Declared[]>,
  source: SourceText,
): OutlinedExport[] => {
  if (expression.type !== "AssignmentExpression") return [];
  const right = expression.right as SyntaxNode;
  const target = commonJsTarget(expression.left as SyntaxNode);
  if (right.type === "AssignmentExpression") {
    const inner = commonJsExports(right, statementStart, declared, source);
    const value = lastValue(right);
    return target === undefined || target === "default"
      ? inner
      : [...valueExport(target, value, statementStart, declared, source), ...inner];
  }
  if (target === undefined || /^(void|undefined)\b/.test(source.slice(right.start, right.end))) return [];
  if (target !== "default" || right.type !== "ObjectExpression") {
    return valueExport(target, right, statementStart, declared, source);
  }
  return (right.properties as SyntaxNode[]).flatMap((property) => {
    const name =
      property.type === "Property" && property.computed !== true ? nameOf(property.key) : undefined;
    return name === undefined
      ? []
      : valueExport(name, property.value as SyntaxNode, property.start, declared, source);
  });
};

const lastValue = (expression: SyntaxNode): SyntaxNode =>
  expression.type === "AssignmentExpression" ? lastValue(expression.right as SyntaxNode) : expression;

/** The name that an assignment exports under: `default` for `module.exports` itself. */
const commonJsTarget = (left: SyntaxNode): string | undefined => {
  if (left.type !== "MemberExpression" || left.computed === true) return undefined;
  const object = left.object as SyntaxNode;
  const property = nameOf(left.property);
  if (nameOf(object) === "module" && property === "exports") return "default";
  const isExports = nameOf(object) === "exports" || commonJsTarget(object) === "default";
  return isExports && property !== "__esModule" ? property : undefined;
};

/** An export whose value is an expression or a declaration without a name of its own. */
const valueExport = (
  name: string,
  value: SyntaxNode,
  statementStart: number,
  declared: ReadonlyMap<string, Declared[]>,
  source: SourceText,
): OutlinedExport[] => {
  const found = value.type === "Identifier" ? declared.get(nameOf(value) ?? "") : undefined;
  if (found !== undefined) return found.flatMap((declaration) => describe(name, declaration, source));
  return describe(name, { node: value, statementStart, keyword: undefined }, source);
};

const describe = (name: string, declaration: Declared, source: SourceText): OutlinedExport[] => {
  const { node, statementStart, keyword } = declaration;
  const value = (node.type === "VariableDeclarator" ? node.init : node) as SyntaxNode | null;
  const kind = kindOf(value, keyword);
  const signature = signatureOf(node, value, keyword, source);
  const entry: OutlinedExport = {
    ...head(name, kind, statementStart, node.start, source),
    signature: signature.startsWith("(") ? `${name}${signature}` : signature,
  };
  const isClass = value?.type === "ClassDeclaration" || value?.type === "ClassExpression";
  return isClass ? [entry, ...membersOf(name, value, source)] : [entry];
};

const head = (name: string, kind: ExportKind, commentAt: number, start: number, source: SourceText) => {
  const comment = source.commentBefore(commentAt) ?? source.commentBefore(start);
  const entry = { name: name.slice(0, 200), kind, line: source.lineOf(start) };
  return comment === undefined ? entry : { ...entry, comment };
};

const kinds: Readonly<Record<string, ExportKind>> = {
  FunctionDeclaration: "function",
  FunctionExpression: "function",
  ArrowFunctionExpression: "function",
  TSDeclareFunction: "function",
  ClassDeclaration: "class",
  ClassExpression: "class",
  TSInterfaceDeclaration: "interface",
  TSTypeAliasDeclaration: "type",
  TSEnumDeclaration: "enum",
  TSModuleDeclaration: "namespace",
};

const kindOf = (value: SyntaxNode | null, keyword: string | undefined): ExportKind => {
  const kind = value === null ? undefined : kinds[value.type];
  if (kind !== undefined) return kind;
  return keyword === undefined ? "value" : keyword === "const" ? "constant" : "variable";
};

/** The text up to the body, and of values only plain numbers and booleans: other values may be long or secret. */
const signatureOf = (
  node: SyntaxNode,
  value: SyntaxNode | null,
  keyword: string | undefined,
  source: SourceText,
): string => {
  const prefix = keyword === undefined ? "" : `${keyword} `;
  const body = value?.body as SyntaxNode | undefined;
  if (value?.type === "TSInterfaceDeclaration" || value?.type === "TSEnumDeclaration") {
    return source.slice(node.start, node.end);
  }
  if (body !== undefined && body !== null && value !== null && kinds[value.type] !== undefined) {
    return prefix + source.slice(node.start, body.start).replace(/\s*(=>|=)$/, "");
  }
  if (node.type !== "VariableDeclarator") {
    return kinds[node.type] === undefined ? "" : source.slice(node.start, node.end).replace(/;$/, "");
  }
  const isPlain = value?.type === "Literal" && typeof value.value !== "string";
  const end = value === null || isPlain ? node.end : value.start;
  return prefix + source.slice(node.start, end).replace(/\s*=$/, "");
};

const membersOf = (className: string, node: SyntaxNode, source: SourceText): OutlinedExport[] =>
  ((node.body as SyntaxNode).body as SyntaxNode[]).flatMap((member) => {
    const value = member.value as SyntaxNode | null | undefined;
    const name = nameOf(member.key);
    const kind = memberKind(member, value);
    if (kind === undefined || name === undefined || name.startsWith("_") || member.computed === true)
      return [];
    if ((member.key as SyntaxNode).type === "PrivateIdentifier") return [];
    if (member.accessibility === "private" || member.accessibility === "protected") return [];
    const end = (value?.body as SyntaxNode | undefined)?.start ?? member.end;
    return [
      {
        ...head(`${className}.${name}`, kind, member.start, member.start, source),
        signature: source.slice(member.start, end).replace(/\s*(=>|;)$/, ""),
      },
    ];
  });

const memberKind = (member: SyntaxNode, value: SyntaxNode | null | undefined): ExportKind | undefined => {
  if (member.type === "MethodDefinition" || member.type === "TSAbstractMethodDefinition") {
    if (member.kind === "constructor") return "constructor";
    return member.kind === "method" ? "method" : "accessor";
  }
  const holdsFunction = value?.type === "ArrowFunctionExpression" || value?.type === "FunctionExpression";
  return member.type === "PropertyDefinition" && holdsFunction ? "method" : undefined;
};

/** Every name that the top level declares; overloads of one function stand together. */
const declarationsOf = (body: readonly SyntaxNode[]): Map<string, Declared[]> => {
  const declared = new Map<string, Declared[]>();
  for (const statement of body) {
    const isExport = statement.type.startsWith("Export") && isNode(statement.declaration);
    const declaration = isExport ? (statement.declaration as SyntaxNode) : statement;
    for (const [name, found] of declaredBy(declaration, statement.start)) {
      const others = declared.get(name) ?? [];
      if (!isBehindOverloads(found, others)) declared.set(name, [...others, found]);
    }
  }
  return declared;
};

/** Whether it is the implementation of an overloaded function, whose signature callers cannot see. */
const isBehindOverloads = (declaration: Declared, others: readonly Declared[]): boolean =>
  declaration.node.type === "FunctionDeclaration" &&
  others.some(({ node }) => node.type === "TSDeclareFunction");

const declaredBy = (node: SyntaxNode, statementStart: number): [name: string, Declared][] => {
  if (node.type !== "VariableDeclaration") {
    const name = kinds[node.type] === undefined ? undefined : nameOf(node.id);
    return name === undefined ? [] : [[name, { node, statementStart, keyword: undefined }]];
  }
  return (node.declarations as SyntaxNode[]).flatMap((declarator): [string, Declared][] => {
    const found = { node: declarator, statementStart, keyword: String(node.kind) };
    return patternNames(declarator.id as SyntaxNode).map((name) => [name, found]);
  });
};

/** The names that a pattern binds, such as both of `const { a, b: [c] } = …`. */
const patternNames = (pattern: SyntaxNode | null): string[] => {
  switch (pattern?.type) {
    case "Identifier":
      return [String(pattern.name)];
    case "ObjectPattern":
      return (pattern.properties as SyntaxNode[]).flatMap((one) =>
        patternNames((one.value ?? one.argument) as SyntaxNode),
      );
    case "ArrayPattern":
      return (pattern.elements as (SyntaxNode | null)[]).flatMap(patternNames);
    case "RestElement":
      return patternNames(pattern.argument as SyntaxNode);
    case "AssignmentPattern":
      return patternNames(pattern.left as SyntaxNode);
    default:
      return [];
  }
};

/** What is exported twice in the same way, as CommonJS likes to do, counts once. */
const withoutRepeats = (exports: readonly OutlinedExport[]): OutlinedExport[] => {
  const seen = new Set<string>();
  return exports.filter(({ name, kind, signature }) => {
    const key = JSON.stringify([name, kind, signature]);
    return !seen.has(key) && seen.add(key) !== undefined;
  });
};

const isNode = (value: unknown): value is SyntaxNode =>
  value !== null && typeof value === "object" && typeof (value as SyntaxNode).type === "string";

/** What an identifier, a private name or a literal key is called. */
const nameOf = (node: unknown): string | undefined => {
  if (!isNode(node)) return undefined;
  if (typeof node.name === "string") return node.name;
  return node.type === "Literal" ? String(node.value) : undefined;
};
