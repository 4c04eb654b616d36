import { limits, MusterError } from "@muster/sdk/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findJsonMistake } from "./json-mistake.ts";
import { parseJson } from "./parse-json.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function refusal(input: string | Uint8Array): MusterError {
  try {
    parseJson(typeof input === "string" ? bytes(input) : input);
  } catch (error) {
    if (error instanceof MusterError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("parseJson", () => {
  test("reads what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes("__proto__"));
        expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test("answers any bytes with a value or a MusterError", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      "\\",
      "1",
      "-",
      "e",
      "tru",
      "true",
      "\\u00",
      " ",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        const text = parts.join("");
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          const error = refusal(text);
          expect(error.code).toBe("invalid_json");
          expect(error.message).toMatch(/line \d+, column \d+ \(offset \d+\)/);
          return;
        }
        expect(parseJson(bytes(text))).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (input) => {
        try {
          parseJson(input);
        } catch (error) {
          expect(error).toBeInstanceOf(MusterError);
        }
      }),
    );
  });

  test("takes the deepest nesting that is allowed and refuses one level more", () => {
    const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
    expect(() => parseJson(bytes(nested(limits.jsonDepth)))).not.toThrow();
    expect(refusal(nested(limits.jsonDepth + 1)).code).toBe("limit_exceeded");
    expect(refusal(`{"a":`.repeat(200_000)).code).toBe("limit_exceeded");
    expect(() => parseJson(bytes(`["${"[".repeat(1_000)}", "\\"${"{".repeat(1_000)}"]`))).not.toThrow();
  });

  test.each([
    ['{"__proto__": {}}', "__proto__"],
    ['{"a": [{"\\u005f_proto__": 1}]}', "__proto__"],
    ['{"constructor": {"prototype": {}}}', "constructor.prototype"],
    ['{"a": {"\\u0063onstructor": {"prototype": 1}}}', "constructor.prototype"],
  ])("refuses the key of %s", (text, key) => {
    expect(refusal(text).message).toContain(key);
  });

  test.each(['{"constructor": "Brunel"}', '["__proto__"]', '{"prototype": 1}'])("takes %s", (text) => {
    expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
  });

  test.each([
    ["a stray byte", [0x22, 0xff, 0x22]],
    ["an overlong encoding", [0x22, 0xc0, 0xaf, 0x22]],
    ["half a surrogate pair", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a character that ends too soon", [0x22, 0xe2, 0x82]],
  ])("refuses %s as UTF-8", (_what, input) => {
    expect(refusal(Uint8Array.from(input)).message).toContain("UTF-8");
  });
});

describe("findJsonMistake", () => {
  test.each([
    ["", 0, "a value"],
    ['{"a":1,}', 7, "a quoted key"],
    ["{a:1}", 1, "a quoted key or }"],
    ['{"a" 1}', 5, "a colon"],
    ["[1 2]", 3, "a comma or the end of the list or object"],
    ["[1,]", 3, "a value"],
    ["[", 1, "a value or ]"],
    ["1 2", 2, "the end of the text"],
    ["[01]", 1, "a value or ]"],
    ["[1.]", 1, "a value or ]"],
    ["truex", 0, "a value"],
    ['["tab\there"]', 1, "a value or ]"],
    ["{'a':1}", 1, "a quoted key or }"],
    ['[{"a":[]}}', 9, "a comma or the end of the list or object"],
  ])("%s", (text, offset, expected) => {
    expect(findJsonMistake(text)).toMatchObject({ offset, expected });
  });

  test("counts lines and columns from 1", () => {
    expect(findJsonMistake('{\n  "a": 1,\n  b: 2\n}')).toMatchObject({ line: 3, column: 3 });
  });

  test("copes with a body of the largest size", () => {
    const text = `["${'\\"a'.repeat(limits.bodyBytes / 3)}`;
    expect(findJsonMistake(text).offset).toBe(1);
    expect(findJsonMistake(`[${"1,".repeat(limits.bodyBytes / 2)}`).expected).toBe("a value");
  });
});
