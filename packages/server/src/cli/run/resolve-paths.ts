import { isAbsolute, resolve } from "node:path";
import type { Workflow } from "@muster/workflow";

/**
 * Makes inputs whose schema says `format: path` absolute: the agents of a server on this machine see the
 * same files, but not from the folder where the command was typed. Lists of such paths count as well.
 */
export function resolvePaths(
  workflow: Workflow,
  inputs: Readonly<Record<string, unknown>>,
  folder: string,
): Record<string, unknown> {
  const properties = asObject(workflow.inputs.properties);
  const resolved: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(inputs)) {
    const schema = asObject(properties[name]);
    if (schema.format === "path") resolved[name] = resolveOne(value, folder);
    else if (asObject(schema.items).format === "path" && Array.isArray(value)) {
      resolved[name] = value.map((one) => resolveOne(one, folder));
    } else resolved[name] = value;
  }
  return resolved;
}

function resolveOne(value: unknown, folder: string): unknown {
  return typeof value === "string" && !isAbsolute(value) ? resolve(folder, value) : value;
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
