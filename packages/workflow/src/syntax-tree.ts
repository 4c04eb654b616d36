import type { ASTNode } from "@marcbachmann/cel-js";

/** The nodes directly below a node of a syntax tree. */
export function childNodes(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  const collect = (value: unknown) => {
    if (Array.isArray(value)) value.forEach(collect);
    else if (typeof value === "object" && value !== null && "op" in value) found.push(value as ASTNode);
  };
  collect(node.args);
  return found;
}

/** The macros that go over the items of a list (or the keys of a map); their first argument names the item. */
export const loopMacros: ReadonlySet<string> = new Set(["map", "filter", "all", "exists", "exists_one"]);
