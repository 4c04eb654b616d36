import { equalJson, type Json, type PatchOperation } from "@muster/sdk/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyJsonPatch, checkJsonPatch } from "./apply-json-patch.ts";
import { diffJson } from "./diff-json.ts";
import { applyMergePatch } from "./merge-patch.ts";

/** What a document can hold: a member called __proto__ is refused before anything is compared. */
const json = (fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>).filter(
  (value) => !JSON.stringify(value).includes('"__proto__"'),
);

describe("a JSON Patch (the examples of RFC 6902, appendix A, and more)", () => {
  test.each<[name: string, document: Json, patch: PatchOperation[], result: Json]>([
    ["adds a member", { foo: 1 }, [{ op: "add", path: "/baz", value: 2 }], { foo: 1, baz: 2 }],
    ["adds an element", { foo: [1, 3] }, [{ op: "add", path: "/foo/1", value: 2 }], { foo: [1, 2, 3] }],
    ["removes a member", { baz: 1, foo: 2 }, [{ op: "remove", path: "/baz" }], { foo: 2 }],
    ["removes an element", { foo: [1, 2, 3] }, [{ op: "remove", path: "/foo/1" }], { foo: [1, 3] }],
    ["replaces", { baz: 1, foo: 2 }, [{ op: "replace", path: "/baz", value: 3 }], { baz: 3, foo: 2 }],
    [
      "moves a value",
      { a: { x: 1 }, b: {} },
      [{ op: "move", from: "/a/x", path: "/b/y" }],
      { a: {}, b: { y: 1 } },
    ],
    [
      "moves an element",
      { foo: [1, 2, 3] },
      [{ op: "move", from: "/foo/0", path: "/foo/2" }],
      { foo: [2, 3, 1] },
    ],
    [
      "tests",
      { a: { b: [1, "x"] } },
      [{ op: "test", path: "/a", value: { b: [1, "x"] } }],
      { a: { b: [1, "x"] } },
    ],
    [
      "adds nested",
      { foo: 1 },
      [{ op: "add", path: "/child", value: { g: {} } }],
      { foo: 1, child: { g: {} } },
    ],
    ["escapes", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
    ["appends", { foo: [1] }, [{ op: "add", path: "/foo/-", value: [2] }], { foo: [1, [2]] }],
    ["replaces the root", { foo: 1 }, [{ op: "replace", path: "", value: [] }], []],
    ["sets null", { foo: 1 }, [{ op: "add", path: "/foo", value: null }], { foo: null }],
    ["finds null", { foo: null }, [{ op: "test", path: "/foo", value: null }], { foo: null }],
    ["knows empty keys", { "": { "": 1 } }, [{ op: "replace", path: "//", value: 2 }], { "": { "": 2 } }],
    [
      "copies by value",
      { a: { x: 1 } },
      [
        { op: "copy", from: "/a", path: "/b" },
        { op: "add", path: "/b/x", value: 2 },
      ],
      { a: { x: 1 }, b: { x: 2 } },
    ],
  ])("%s", (_, document, patch, result) => {
    const before = JSON.stringify([document, patch]);
    expect(applyJsonPatch(document, patch)).toEqual(result);
    expect(JSON.stringify([document, patch])).toBe(before);
  });

  test.each<[name: string, document: Json, patch: PatchOperation[]]>([
    ["a failed test", { baz: 1 }, [{ op: "test", path: "/baz", value: "1" }]],
    ["no parent", { foo: 1 }, [{ op: "add", path: "/baz/bat", value: 1 }]],
    ["removing nothing", { foo: 1 }, [{ op: "remove", path: "/bar" }]],
    ["replacing nothing", { foo: 1 }, [{ op: "replace", path: "/bar", value: 1 }]],
    ["an index behind the end", { foo: [1] }, [{ op: "add", path: "/foo/2", value: 1 }]],
    ["an index with a leading zero", { foo: [1, 2] }, [{ op: "remove", path: "/foo/01" }]],
    ["no index", { foo: [1, 2] }, [{ op: "add", path: "/foo/x", value: 1 }]],
    ["a move into itself", { a: { b: 1 } }, [{ op: "move", from: "/a", path: "/a/b" }]],
    ["what only a prototype has", {}, [{ op: "copy", from: "/toString", path: "/a" }]],
    ["a way through a prototype", {}, [{ op: "add", path: "/constructor/x", value: 1 }]],
    ["the prototype", {}, [{ op: "add", path: "/__proto__", value: {} }]],
    ["a member of a text", { a: "x" }, [{ op: "add", path: "/a/length", value: 1 }]],
  ])("does not fit: %s", (_, document, patch) => {
    expect(() => applyJsonPatch(document, patch)).toThrow(expect.objectContaining({ operation: 0 }));
  });

  test("copies of copies do not fill the memory", () => {
    const patch = Array.from({ length: 60 }, (_, n) => ({ op: "copy", from: "", path: `/${n}` }) as const);
    expect(() => applyJsonPatch({ a: "0123456789" }, patch)).toThrow("copies of more than");
  });

  test.each([
    [{}],
    [[null]],
    [[{ op: "test", path: "/a" }]],
    [[{ op: "add", path: "a", value: 1 }]],
    [[{ op: "add", path: "/~2", value: 1 }]],
    [[{ op: "copy", path: "/a" }]],
    [[{ op: "toString", path: "/a" }]],
    [Array.from({ length: 1_001 }, () => ({ op: "remove", path: "/a" }))],
  ])("that is none is refused", (patch) => {
    expect(() => checkJsonPatch(patch)).toThrow(expect.objectContaining({ name: "MusterError" }));
  });

  test("made of two values makes the one of the other", () => {
    fc.assert(
      fc.property(json, json, (from, to) => {
        const patch = checkJsonPatch(diffJson(from, to));
        expect(equalJson(applyJsonPatch(from, patch), to)).toBe(true);
        expect(diffJson(to, to)).toEqual([]);
      }),
    );
  });
});

test.each<[target: Json, patch: Json, result: Json]>([
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])("a JSON Merge Patch (RFC 7396, appendix A): %j with %j", (target, patch, result) => {
  expect(applyMergePatch(target, patch)).toEqual(result);
});
