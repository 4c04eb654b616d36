import type { ASTNode } from "@marcbachmann/cel-js";
import { childNodes, loopMacros } from "./syntax-tree.ts";
import { workflowLimits } from "./workflow-limits.ts";

/**
 * Bounds what an expression costs. CEL always ends, but 4,096 characters are enough to double a list two
 * hundred times or to nest loops over everything, so a syntax tree is instrumented before it is evaluated:
 * every node takes units of work from the meter before or while it does its work, and an empty meter ends the
 * evaluation. The library lets nobody in between, so this replaces the `evaluate` of each node of the tree;
 * a test fails when an update of the library (which is pinned) no longer goes through there.
 */

/** Thrown by an empty meter. It is one object for all throws: loops that swallow errors must stay cheap. */
export class BudgetError extends Error {}

export interface Meter {
  units: number;
  /** Set on the first overdraft; CEL's `||`, `all` and `exists` swallow errors, so the throw may get lost. */
  overdraft: BudgetError | undefined;
}

export const createMeter = (): Meter => ({ units: workflowLimits.evaluationUnits, overdraft: undefined });

let current: Meter | undefined;

/** Runs an evaluation of instrumented trees on a meter. */
export function withMeter<T>(meter: Meter, evaluate: () => T): T {
  const outer = current;
  current = meter;
  try {
    const value = evaluate();
    if (meter.overdraft !== undefined) throw meter.overdraft;
    return value;
  } catch (error) {
    // Whatever came of it after an overdraft rests on work that was not done.
    throw meter.overdraft ?? error;
  } finally {
    current = outer;
  }
}

function charge(units: number): void {
  if (current === undefined) return;
  current.units -= units;
  if (current.units < 0) fail(`it takes more than ${workflowLimits.evaluationUnits} units of work`);
}

function fail(message: string): never {
  const meter = current!;
  meter.units = Number.NEGATIVE_INFINITY;
  meter.overdraft ??= new BudgetError(message);
  throw meter.overdraft;
}

type Evaluate = (this: unknown, ...args: unknown[]) => unknown;
interface EvaluableNode {
  evaluate: Evaluate;
}

const creating = new Set(["+", "list", "map", "call", "rcall"]);
const comparing = new Set(["==", "!=", "in"]);
const searching = new Set(["contains", "indexOf", "lastIndexOf", "split"]);

/** Instruments a syntax tree, in place. */
export function instrument(root: ASTNode): void {
  visit(root, () => {});
}

/** `report` is told each value that the node gives, for the node that it is an operand of. */
function visit(node: ASTNode, report: (value: unknown) => void): void {
  const { operands, price } = pricing(node);
  let seen = 0;
  const values: unknown[] = new Array(operands.length);
  operands.forEach((operand, i) => {
    visit(operand, (value) => {
      values[i] = value;
      seen += 1;
      if (seen < operands.length) return;
      const units = price(values);
      // Trees are kept for the next evaluation, values are not.
      values.fill(undefined);
      charge(units);
    });
  });
  for (const other of childNodes(node)) if (!operands.includes(other)) visit(other, () => {});
  const creates = creating.has(node.op);
  intercept(node, (evaluate) => {
    charge(1);
    seen = 0;
    const value = orCharge(evaluate);
    if (creates) charge(sizeOf(value));
    report(value);
    return value;
  });
}

/** Errors are dear, since each takes a stack trace, and a loop can swallow one for every item. */
const unitsPerError = 100;

function orCharge(evaluate: () => unknown): unknown {
  try {
    return evaluate();
  } catch (error) {
    charge(unitsPerError);
    throw error;
  }
}

/**
 * A node resolves its `evaluate` on first use: it stores the real one on itself and calls it from there. So
 * this catches the store, and gives the stored one out for that single call.
 */
function intercept(node: ASTNode, around: (evaluate: () => unknown) => unknown): void {
  const target = node as unknown as EvaluableNode;
  let inner = target.evaluate;
  let justStored = false;
  const run: Evaluate = (...args) => around(() => inner.apply(node, args));
  Object.defineProperty(node, "evaluate", {
    get() {
      if (!justStored) return run;
      justStored = false;
      return inner;
    },
    set(resolved: Evaluate) {
      inner = resolved;
      justStored = true;
    },
  });
}

/** The operands whose sizes decide what a node costs beforehand, and that cost. */
function pricing(node: ASTNode): { operands: ASTNode[]; price: (values: unknown[]) => number } {
  if (node.op === "rcall") {
    const [method, receiver, args] = node.args;
    if (loopMacros.has(method)) return { operands: [receiver], price: ([items]) => countItems(items) };
    if (method === "join")
      return { operands: [receiver, ...args], price: ([list, glue]) => joinedSize(list, glue) };
    if (searching.has(method))
      return { operands: [receiver, ...args], price: ([text, part]) => searchCost(text, part) };
    return {
      operands: [receiver, ...args],
      price: (values) => values.reduce<number>((sum, v) => sum + textSize(v), 0),
    };
  }
  if (node.op === "call" && node.args[0] !== "has") {
    return {
      operands: node.args[1],
      price: (values) => values.reduce<number>((sum, v) => sum + textSize(v), 0),
    };
  }
  if (node.op === "in")
    return { operands: [...node.args], price: ([value, list]) => deepSize(value) * lengthOf(list) };
  if (comparing.has(node.op)) {
    return { operands: [...(node.args as [ASTNode, ASTNode])], price: ([left]) => deepSize(left) };
  }
  return { operands: [], price: () => 0 };
}

function countItems(items: unknown): number {
  const count = lengthOf(items);
  if (count <= workflowLimits.iteratedItems) return count;
  return fail(`it goes over ${count} items, and ${workflowLimits.iteratedItems} are the most`);
}

/** Characters per unit: copying and scanning text is cheap. */
const charactersPerUnit = 16;
const itemsPerUnit = 4;

function textSize(value: unknown): number {
  if (typeof value === "string" || value instanceof Uint8Array) return value.length / charactersPerUnit;
  return 0;
}

const sizeOf = (value: unknown): number =>
  Array.isArray(value) ? value.length / itemsPerUnit : textSize(value);

function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  return value instanceof Map ? value.size : 1;
}

function joinedSize(list: unknown, glue: unknown): number {
  if (!Array.isArray(list)) return 0;
  return list.reduce<number>((sum, item) => sum + 1 + textSize(item) + textSize(glue), 0);
}

/** In the worst case a search compares the part at every place of the text. */
function searchCost(text: unknown, part: unknown): number {
  if (typeof text !== "string" || typeof part !== "string") return 0;
  const comparisons = text.length * Math.max(1, Math.min(part.length, text.length));
  return comparisons / (charactersPerUnit * charactersPerUnit);
}

/** Values inside a value, itself included. It charges as it counts, as shared parts make a tree far larger. */
function deepSize(value: unknown): number {
  let size = 1 + textSize(value);
  charge(1);
  if (Array.isArray(value)) for (const item of value) size += deepSize(item);
  else if (value instanceof Map) for (const member of value.values()) size += deepSize(member);
  return size;
}
