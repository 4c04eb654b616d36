import type { TSchema } from "typebox";

/** A TypeBox schema as the JSON Schema that a capability carries, with its draft named. */
export const jsonSchema = (schema: TSchema): Record<string, unknown> => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  ...schema,
});
