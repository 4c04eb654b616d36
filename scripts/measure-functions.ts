import { childrenOf, lineCounter, parseModule, type SyntaxNode } from "./read-module.ts";

export interface FunctionLength {
  name: string;
  /** Where it begins. */
  line: number;
  /** Its own lines: those of the functions inside it count for these. */
  lines: number;
}

const functions = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/** How long the functions of a file are. What `describe` is given is a group of tests and their data, no function. */
export function measureFunctions(file: string, text: string): FunctionLength[] {
  const lineOf = lineCounter(text);
  const found: FunctionLength[] = [];
  const groups = new Set<SyntaxNode>();
  /** Answers the lines that the functions at or below `node` cover. */
  function measure(node: SyntaxNode, name: string): Set<number> {
    const inner = new Set<number>();
    if (isGroup(node)) for (const argument of node.arguments as SyntaxNode[]) groups.add(argument);
    for (const [, child] of childrenOf(node)) {
      for (const line of measure(child, nameOf(child) ?? (functions.has(child.type) ? name : "")))
        inner.add(line);
    }
    if (!functions.has(node.type) || groups.has(node)) return inner;
    const [first, last] = [lineOf(node.start), lineOf(node.end - 1)];
    const all = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const own = all.filter((line) => !inner.has(line) || line === first || line === last);
    found.push({
      name: nameOf(node) ?? (name || "a function without a name"),
      line: first,
      lines: own.length,
    });
    return new Set(all);
  }
  measure(parseModule(file, text), "");
  return found.sort((a, b) => a.line - b.line);
}

/** A call of `describe`, or of `describe.each(…)` and its like. */
function isGroup(node: SyntaxNode): boolean {
  if (node.type !== "CallExpression") return false;
  let callee = node.callee as SyntaxNode;
  while (callee.type === "CallExpression" || callee.type === "MemberExpression") {
    callee = (callee.type === "CallExpression" ? callee.callee : callee.object) as SyntaxNode;
  }
  return callee.type === "Identifier" && callee.name === "describe";
}

/** The name that a declaration, a variable or a property gives the function that it holds. */
function nameOf(node: SyntaxNode): string | null {
  const named = (node.id ?? node.key) as SyntaxNode | null | undefined;
  return typeof named?.name === "string" ? named.name : null;
}
