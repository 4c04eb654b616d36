import { expect, it } from "vitest";
import { compileCheck } from "./compile-check.ts";

it("names the place and the property that break a schema", () => {
  const check = compileCheck(
    {
      type: "object",
      properties: {
        files: { type: "array", items: { enum: ["a", "b"] } },
        at: { type: "string", format: "date-time" },
      },
      additionalProperties: false,
    },
    "The input schema of x",
  );
  expect(check({ files: ["a"], at: "2026-01-01T00:00:00Z" })).toBeUndefined();
  expect(check({ files: ["c"] })?.message).toBe(
    '/files/0 must be equal to one of the allowed values (["a","b"])',
  );
  expect(check({ fiels: [] })?.message).toBe('it must NOT have additional properties ("fiels")');
  expect(check({ at: "yesterday" })?.errors).toEqual([
    { path: "/at", message: 'must match format "date-time"' },
  ]);
});

it("takes booleans, references within the schema, unknown keywords, and the same $id twice", () => {
  expect(compileCheck(true, "s")(1)).toBeUndefined();
  expect(compileCheck(false, "s")(1)).toBeDefined();
  const schema = {
    $id: "https://example.com/same",
    $ref: "#/$defs/n",
    $defs: { n: { type: "number", "x-unit": "ms" } },
  };
  expect(compileCheck(schema, "s")("1")?.message).toBe("it must be number");
  expect(compileCheck({ ...schema, title: "another" }, "s")(1)).toBeUndefined();
  const nested = (type: string) => ({ $defs: { n: { $id: "Same", type } }, $ref: "Same" });
  expect(compileCheck(nested("number"), "s")(1)).toBeUndefined();
  expect(compileCheck(nested("string"), "s")("1")).toBeUndefined();
  const stranger = { $ref: "Same", $defs: { n: { type: "number" } } };
  expect(() => compileCheck(stranger, "s")).toThrow(/can't resolve reference Same/);
});

it("refuses a schema that refers elsewhere", () => {
  expect(() => compileCheck({ $ref: "https://example.com/x.json" }, "The schema")).toThrow(
    /The schema is not a usable JSON Schema/,
  );
});
