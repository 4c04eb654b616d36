import { Duration, UnsignedInt } from "@marcbachmann/cel-js/evaluator";
import { limits } from "@muster/sdk/protocol";

/** A value that can't cross between JSON and CEL; the message says which and why. */
export class ConversionError extends Error {}

/** Deeper than any JSON that the protocol lets in, so only a value with a cycle gets this far. */
const maxScopeDepth = 2 * limits.jsonDepth;

const converted = new WeakMap<object, unknown>();

/**
 * JSON as CEL sees it: whole numbers are ints, so that `x + 1`, `list[x]` and `x in [1, 2]` work; objects are
 * maps, so that a member called `constructor` is a member like any other. Objects and lists are converted
 * once and remembered, since a fan-out evaluates the same outputs for every item; they must not change later.
 */
export function toCel(value: unknown, depth = 0): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value !== "object") return null;
  const known = converted.get(value);
  if (known !== undefined) return known;
  if (depth > maxScopeDepth)
    throw new ConversionError(`a value is nested more than ${maxScopeDepth} levels deep`);
  const result = Array.isArray(value)
    ? value.map((item) => toCel(item, depth + 1))
    : new Map(Object.entries(value).map(([key, member]) => [key, toCel(member, depth + 1)]));
  converted.set(value, result);
  return result;
}

/** How much JSON one template may still give. */
export interface ResultBudget {
  characters: number;
}

/** A CEL value as plain JSON: ints as numbers, timestamps and durations as text, bytes as base64. */
export function fromCel(value: unknown, budget: ResultBudget, depth = 0): unknown {
  if (depth > limits.jsonDepth)
    throw new ConversionError(`the result is nested more than ${limits.jsonDepth} levels deep`);
  spend(budget, typeof value === "string" ? value.length + 2 : 2);
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return finite(value);
  if (typeof value === "bigint") return wholeNumber(value);
  if (value instanceof UnsignedInt) return wholeNumber(value.valueOf());
  if (Array.isArray(value)) return value.map((item) => fromCel(item, budget, depth + 1));
  if (value instanceof Map) return members(value.entries(), budget, depth);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Duration) return `${value.valueOf() / 1_000}s`;
  if (value instanceof Uint8Array) return base64(value, budget);
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype)
    return members(Object.entries(value), budget, depth);
  throw new ConversionError("the result is no JSON value");
}

function members(entries: Iterable<[unknown, unknown]>, budget: ResultBudget, depth: number): unknown {
  const copied: [string, unknown][] = [];
  for (const [key, member] of entries) {
    const name = String(key);
    spend(budget, name.length + 3);
    copied.push([name, fromCel(member, budget, depth + 1)]);
  }
  // Unlike an assignment, this makes even `__proto__` an ordinary member.
  return Object.fromEntries(copied);
}

function spend(budget: ResultBudget, characters: number): void {
  budget.characters -= characters;
  if (budget.characters < 0) {
    throw new ConversionError(`the result has more than ${limits.payloadBytes} characters of JSON`);
  }
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new ConversionError(`the result is ${value}, which JSON can't say`);
}

function wholeNumber(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new ConversionError(`the whole number ${value} is too large for JSON; string(…) keeps its digits`);
}

function base64(bytes: Uint8Array, budget: ResultBudget): string {
  spend(budget, bytes.length * 2);
  return Buffer.from(bytes).toString("base64");
}
