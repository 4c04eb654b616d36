import { type Declared, nameOf } from "./declarations.ts";
import type { SyntaxNode } from "./parse-source.ts";
import type { SourceText } from "./source-text.ts";

/** Members of one class that are looked at. */
const maxMembers = 200;

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

/** The entries of one export: its own, and for a class one for each public member. */
export const describe = (name: string, declaration: Declared, source: SourceText): OutlinedExport[] => {
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

export const head = (
  name: string,
  kind: ExportKind,
  commentAt: number,
  start: number,
  source: SourceText,
) => {
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
  ((node.body as SyntaxNode).body as SyntaxNode[]).slice(0, maxMembers).flatMap((member) => {
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
