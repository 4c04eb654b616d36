import type { TSchema } from "typebox";

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/**
 * Schemas by name. The schemas of the protocol contain each other; a validator and an OpenAPI document want
 * them apart, each under its own name and with references between them. `refer` takes a schema apart so.
 */
export interface NamedSchemas {
  /** The same schema with every part that has a name replaced by a reference to it. */
  refer<T extends TSchema>(schema: T): T;
  /** Every named schema seen so far. Each holds its name in `$id` and references instead of other named ones. */
  all(): Json[];
}

/** Keeps the named schemas of one API. Two different schemas under one name are a mistake and throw. */
export function createNamedSchemas(): NamedSchemas {
  const byName = new Map<string, Json>();

  function keep(name: string, schema: Json): Json {
    const known = byName.get(name);
    if (known === undefined) {
      byName.set(name, { $id: name });
      byName.set(name, { $id: name, ...takeApart(schema) });
    } else if (Object.keys(known).length > 1) {
      const again = JSON.stringify({ $id: name, ...takeApart(schema) });
      if (again !== JSON.stringify(known)) throw new Error(`Two different schemas are called ${name}.`);
    }
    return { $ref: `${name}#` };
  }

  function takeApart(schema: Json): Json {
    const { $id: _name, ...members } = schema;
    return Object.fromEntries(Object.entries(members).map(([key, value]) => [key, visit(value)]));
  }

  function visit(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(visit);
    if (!isObject(value)) return value;
    return typeof value.$id === "string" ? keep(value.$id, value) : takeApart(value);
  }

  return {
    refer: (schema) => visit(schema) as typeof schema,
    all: () => [...byName.values()],
  };
}
