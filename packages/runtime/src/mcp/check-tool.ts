import { compileInputCheck } from "../tools/check-input.ts";

/** A tool as a server lists it, before anything of it is believed. */
export interface ListedTool {
  name: string;
  description?: string | undefined;
  inputSchema: Record<string, unknown>;
  outputSchema?: Record<string, unknown> | undefined;
  annotations?: { readOnlyHint?: boolean | undefined; idempotentHint?: boolean | undefined } | undefined;
}

export interface CheckedTool {
  /** As models call it: `mcp__server__tool`. */
  name: string;
  description: string;
  inputSchema: Record<string, unknown>;
  /** What its structured answers keep to; undefined where it says nothing that could be used. */
  outputSchema?: Record<string, unknown>;
  listed: ListedTool;
}

/** What the strictest provider takes as a tool's name; one that is longer would make it refuse every call of the agent. */
const mostNameChars = 64;
const mostDescriptionChars = 4_000;
const mostSchemaChars = 64 * 1024;
const mostDepth = 24;

/** A tool that is fit for use, or why it is not. */
export function checkTool(server: string, listed: ListedTool): CheckedTool | string {
  const name = `mcp__${plain(server)}__${plain(listed.name)}`;
  if (name.length > mostNameChars)
    return `its name ${name.slice(0, 80)} has more than ${mostNameChars} characters`;
  if (JSON.stringify(listed.inputSchema).length > mostSchemaChars) return "its schema is too large";
  if (listed.inputSchema.type !== "object") return "its schema is not one of an object";
  try {
    const inputSchema = harmless(listed.inputSchema, 0);
    compileInputCheck(inputSchema);
    return {
      name,
      description: (listed.description ?? "").slice(0, mostDescriptionChars),
      inputSchema,
      ...outputOf(listed),
      listed,
    };
  } catch (error) {
    return `its schema is wrong: ${(error as Error).message.slice(0, 200)}`;
  }
}

/** A schema of answers that is wrong takes nothing from the tool. */
function outputOf({ outputSchema }: ListedTool): { outputSchema?: Record<string, unknown> } {
  if (outputSchema === undefined || JSON.stringify(outputSchema).length > mostSchemaChars) return {};
  try {
    const clean = harmless(outputSchema, 0);
    compileInputCheck(clean);
    return { outputSchema: clean };
  } catch {
    return {};
  }
}

/** Letters, digits, `_` and `-`; anything else is `_`. */
export const plain = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, "_");

/** Keywords that hold one schema, a list of them, or a map of them by name. */
const single = new Set([
  "items",
  "contains",
  "additionalProperties",
  "propertyNames",
  "not",
  "if",
  "then",
  "else",
  "unevaluatedProperties",
  "unevaluatedItems",
]);
const lists = new Set(["anyOf", "allOf", "oneOf", "prefixItems"]);
const maps = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);
/** A hostile pattern can think for years about a short text, and the server checks its arguments itself. */
const dropped = new Set([
  "__proto__",
  "pattern",
  "patternProperties",
  "format",
  "$schema",
  "$id",
  "id",
  "$anchor",
  "$dynamicAnchor",
]);

function harmless(schema: Record<string, unknown>, depth: number): Record<string, unknown> {
  if (depth > mostDepth) throw new Error("it is too deep");
  const clean: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    // Without the patterns that allow them, properties would be refused that the server takes.
    const isLooser = key === "additionalProperties" && "patternProperties" in schema;
    if (dropped.has(key) || isLooser) continue;
    clean[key] = harmlessMember(key, value, depth);
  }
  return clean;
}

function harmlessMember(key: string, value: unknown, depth: number): unknown {
  const clean = (one: unknown): unknown => (isSchema(one) ? harmless(one, depth + 1) : one);
  if (single.has(key)) return clean(value);
  if (lists.has(key) && Array.isArray(value)) return value.map(clean);
  if (maps.has(key) && isSchema(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, clean(one)]));
  }
  return value;
}

const isSchema = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
