import type { SyntaxNode } from "./parse-source.ts";

/** Overloads of one function that count. */
const maxOverloads = 20;
const named =
  /^(FunctionDeclaration|TSDeclareFunction|ClassDeclaration|TS(Interface|TypeAlias|Enum|Module)Declaration)$/;

/** A declaration of the top level, and where its statement begins (before `export`). */
export interface Declared {
  node: SyntaxNode;
  statementStart: number;
  /** `const`, `let` or `var` of a declarator. */
  keyword: string | undefined;
}

/** Every name that the top level declares; overloads of one function stand together. */
export const declarationsOf = (body: readonly SyntaxNode[]): Map<string, Declared[]> => {
  const declared = new Map<string, Declared[]>();
  for (const statement of body) {
    const isExport = statement.type.startsWith("Export") && isNode(statement.declaration);
    const declaration = isExport ? (statement.declaration as SyntaxNode) : statement;
    for (const [name, found] of declaredBy(declaration, statement.start)) {
      const others = declared.get(name) ?? [];
      if (others.length < maxOverloads && !isBehindOverloads(found, others)) others.push(found);
      declared.set(name, others);
    }
  }
  return declared;
};

/** Whether it is the implementation of an overloaded function, whose signature callers cannot see. */
export const isBehindOverloads = (declaration: Declared, others: readonly Declared[]): boolean =>
  declaration.node.type === "FunctionDeclaration" &&
  others.some(({ node }) => node.type === "TSDeclareFunction");

export const declaredBy = (node: SyntaxNode, statementStart: number): [name: string, Declared][] => {
  if (node.type !== "VariableDeclaration") {
    const name = named.test(node.type) ? nameOf(node.id) : undefined;
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

const isNode = (value: unknown): value is SyntaxNode =>
  value !== null && typeof value === "object" && typeof (value as SyntaxNode).type === "string";

/** What an identifier, a private name or a literal key is called. */
export const nameOf = (node: unknown): string | undefined => {
  if (!isNode(node)) return undefined;
  if (typeof node.name === "string") return node.name;
  return node.type === "Literal" ? String(node.value) : undefined;
};
