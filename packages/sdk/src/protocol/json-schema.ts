import Type from "typebox";

/** A JSON Schema (draft 2020-12) that inputs, outputs or answers are checked against. */
export const JsonSchema = Type.Unsafe<Record<string, unknown> | boolean>({
  description: "A JSON Schema, draft 2020-12.",
  anyOf: [{ type: "object" }, { type: "boolean" }],
});
