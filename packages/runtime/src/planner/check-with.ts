import { compileCheck, MusterError } from "@muster/sdk";

type Schema = Record<string, unknown>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const hasExpression = (value: unknown): boolean => {
  if (typeof value === "string") return value.includes("${{");
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(hasExpression);
};

/**
 * What can be known of a step's `with` before its expressions have values: whether a literal one fits the schema of the
 * capability, and of any other whether members are missing or unknown and whether its literal members fit. What is left
 * is checked when the task is handed out.
 */
export const checkWith = (template: unknown, schema: Schema | boolean | undefined): string[] => {
  if (schema === undefined || schema === true) return [];
  const value = template === undefined ? {} : template;
  if (!hasExpression(value)) return faultsOf(schema, value, "with");
  if (!isObject(schema) || !isObject(value)) return [];
  return [...missing(schema, value), ...unknown(schema, value), ...wrongMembers(schema, value)];
};

const faultsOf = (schema: Schema | boolean, value: unknown, place: string): string[] => {
  try {
    const fault = compileCheck(schema, "The input schema")(value);
    return fault === undefined ? [] : [`${place} breaks the input schema: ${fault.message}`];
  } catch (error) {
    // A schema that can't be compiled here says nothing; the orchestrator judges the input.
    if (error instanceof MusterError) return [];
    throw error;
  }
};

const missing = ({ required }: Schema, value: Schema): string[] =>
  (Array.isArray(required) ? required : [])
    .filter((name): name is string => typeof name === "string" && !Object.hasOwn(value, name))
    .map((name) => `with lacks "${name}", which the input schema requires`);

const unknown = (
  { properties, additionalProperties, patternProperties }: Schema,
  value: Schema,
): string[] => {
  if (additionalProperties !== false || patternProperties !== undefined) return [];
  const known = isObject(properties) ? properties : {};
  return Object.keys(value)
    .filter((name) => !Object.hasOwn(known, name))
    .map(
      (name) =>
        `with has "${name}", which the input schema does not know; it knows: ${Object.keys(known).slice(0, 20).join(", ") || "nothing"}`,
    );
};

const wrongMembers = ({ properties, $defs, definitions }: Schema, value: Schema): string[] => {
  if (!isObject(properties)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!isObject(schema) || hasExpression(member)) return [];
    const parts = {
      ...($defs === undefined ? {} : { $defs }),
      ...(definitions === undefined ? {} : { definitions }),
    };
    return faultsOf({ ...parts, ...schema }, member, `with.${name}`);
  });
};
