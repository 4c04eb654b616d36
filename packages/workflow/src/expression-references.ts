import type { ASTNode } from "@marcbachmann/cel-js";
import { childNodes, loopMacros } from "./syntax-tree.ts";

/** One use of a variable: `steps.list.output.files` is the variable `steps` with three members. */
export interface Reference {
  variable: string;
  /** The members that are named outright, up to the first that is computed. */
  members: readonly string[];
  /** Whether something computed follows, as in `steps[item].output`. */
  computed: boolean;
  /** Where the variable stands in the expression, counted from 0. */
  offset: number;
  /** Where each of the members stands. */
  memberOffsets: readonly number[];
}

/** All uses of variables from outside, without those that a macro such as `map(x, …)` brings in. */
export function findReferences(root: ASTNode): Reference[] {
  const found: Reference[] = [];
  visit(root, new Set(), found);
  return found;
}

function visit(node: ASTNode, bound: ReadonlySet<string>, found: Reference[]): void {
  const access = readAccess(node);
  if (access !== undefined) {
    if (!bound.has(access.reference.variable)) found.push(access.reference);
    for (const key of access.computedKeys) visit(key, bound, found);
    return;
  }
  const scope = scopeOf(node);
  const extended = scope === undefined ? bound : new Set([...bound, scope.name]);
  for (const outside of scope?.outside ?? childNodes(node)) visit(outside, bound, found);
  for (const inside of scope?.inside ?? []) visit(inside, extended, found);
}

/** The variable that a macro brings in, with the arguments that see it and those that do not. */
function scopeOf(node: ASTNode): { name: string; inside: ASTNode[]; outside: ASTNode[] } | undefined {
  if (node.op !== "rcall") return undefined;
  const [method, receiver, args] = node.args;
  const [first, ...rest] = args;
  if (first?.op !== "id" || rest.length === 0) return undefined;
  if (loopMacros.has(method)) return { name: first.args, inside: rest, outside: [receiver] };
  if (method === "bind" && receiver.op === "id" && receiver.args === "cel" && rest.length === 2) {
    return { name: first.args, inside: [rest[1]!], outside: [rest[0]!] };
  }
  return undefined;
}

/** Reads a variable with everything that is accessed on it, from the last member back to the variable. */
function readAccess(node: ASTNode): { reference: Reference; computedKeys: ASTNode[] } | undefined {
  let named: { name: string; offset: number }[] = [];
  const computedKeys: ASTNode[] = [];
  let inner = node;
  while (inner.op === "." || inner.op === "[]") {
    const [target, key] = inner.args;
    if (typeof key === "string") {
      named.unshift({ name: key, offset: inner.pos });
    } else if (key.op === "value" && typeof key.args === "string") {
      named.unshift({ name: key.args, offset: key.start });
    } else {
      computedKeys.push(key);
      named = [];
    }
    inner = target;
  }
  if (inner.op !== "id") return undefined;
  const reference: Reference = {
    variable: inner.args,
    members: named.map(({ name }) => name),
    computed: computedKeys.length > 0,
    offset: inner.start,
    memberOffsets: named.map(({ offset }) => offset),
  };
  return { reference, computedKeys };
}
