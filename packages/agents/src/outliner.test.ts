import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CodeOutlineOutput, createOutliner } from "./outliner.ts";
import { createWorkbench } from "./test/task-context.ts";
import { removeFolders, temporaryFolder } from "./test/temporary-folder.ts";

afterAll(removeFolders);

const bench = createWorkbench([createOutliner()]);
const outline = async (file: string, text: string | Buffer) => {
  const root = await temporaryFolder({ [file]: text });
  return bench.run<CodeOutlineOutput>("code_outline", { root, file });
};
const summary = ({ exports }: CodeOutlineOutput) => exports.map(({ name, kind }) => `${kind} ${name}`);
const signatures = ({ exports }: CodeOutlineOutput) => exports.map(({ signature }) => signature);

describe("code_outline", () => {
  it("lists the exports of a TypeScript module with signatures, comments and lines", async () => {
    const found = await outline(
      "a.ts",
      `/** @license nobody's */
import { b } from "./b.js";
import type { C } from "c";

/**
 * Adds numbers.
 *  - the first
 * @param a one
 */
export async function add(a: number, b = { x: 1 }): Promise<number> {
  return import("late");
}
export const limit = 3, name: string = "secret", go = (x: C): C => x;
export let open: boolean;
/** A shape. */
export interface Shape {
  /** In square metres. */
  area: number; // never negative
}
export type Id = string | number;
export enum Color { Red, Green }
const hidden = 1;
export const { left, right: [first, ...rest] } = hidden as never;
`,
    );
    expect(found.exports[0]).toEqual({
      name: "add",
      kind: "function",
      signature: "async function add(a: number, b = { x: 1 }): Promise<number>",
      comment: "Adds numbers.\n - the first\n@param a one",
      line: 10,
    });
    expect(summary(found).slice(1)).toEqual([
      "constant limit",
      "constant name",
      "function go",
      "variable open",
      "interface Shape",
      "type Id",
      "enum Color",
      "constant left",
      "constant first",
      "constant rest",
    ]);
    expect(signatures(found).slice(1, 8)).toEqual([
      "const limit = 3",
      "const name: string",
      "const go = (x: C): C",
      "let open: boolean",
      "interface Shape { area: number; }",
      "type Id = string | number",
      "enum Color { Red, Green }",
    ]);
    expect(found.exports.find(({ name }) => name === "Shape")?.comment).toBe("A shape.");
    expect(found.imports).toEqual(["./b.js", "c", "late"]);
    expect(found.problems).toBeUndefined();
  });

  it("lists public methods of classes only", async () => {
    const found = await outline(
      "a.ts",
      `export default abstract class Box<T> extends Base<T> implements Thing {
  /** Opens it. */
  open(force?: boolean): void {}
  constructor(private readonly size: number) { super(); }
  static of<T>(x: T): Box<T> { return new this(x); }
  get full() { return true; }
  close = async (): Promise<void> => {};
  abstract turn(): void;
  #secret() {}
  private hidden() {}
  protected half() {}
  _internal() {}
  [Symbol.iterator]() {}
  static { console.log(1); }
}`,
    );
    expect(summary(found)).toEqual([
      "class default",
      "method default.open",
      "constructor default.constructor",
      "method default.of",
      "accessor default.full",
      "method default.close",
      "method default.turn",
    ]);
    expect(signatures(found)).toEqual([
      "abstract class Box<T> extends Base<T> implements Thing",
      "open(force?: boolean): void",
      "constructor(private readonly size: number)",
      "static of<T>(x: T): Box<T>",
      "get full()",
      "close = async (): Promise<void>",
      "abstract turn(): void",
    ]);
    expect(found.exports[1]?.comment).toBe("Opens it.");
  });

  it("follows local names, overloads and re-exports", async () => {
    const found = await outline(
      "a.ts",
      `/** First. */
export function f(a: string): void;
export function f(a: number): void;
export function f(a: unknown) {}
/** Local. */
function local(): void {}
class Later {}
export { local as renamed, Later as default };
export * from "./all.js";
export * as space from "./space.js";
export { one, two as "odd name" } from "./some.js";
`,
    );
    expect(summary(found)).toEqual([
      "function f",
      "function f",
      "function renamed",
      "class default",
      "re-export *",
      "re-export space",
      "re-export one",
      "re-export odd name",
    ]);
    expect(found.exports[2]).toMatchObject({
      signature: "function local(): void",
      comment: "Local.",
      line: 6,
    });
    expect(found.imports).toEqual(["./all.js", "./some.js", "./space.js"]);
  });

  it("reads the usual ways of CommonJS", async () => {
    const found = await outline(
      "a.js",
      `#!/usr/bin/env node
"use strict";
const fs = require("fs");
Object.defineProperty(exports, "__esModule", { value: true });
exports.early = void 0;
/** Makes an app. */
function createApp(options) {}
class Server { listen(port) {} }
exports = module.exports = createApp;
module.exports.default = createApp;
/** One. */
exports.one = function one(a) {};
exports.two = exports.deux = (b) => b;
module.exports = { Server, three: 3, four() {}, ...fs, [five]: 5, six: { seven: 7 } };
if (fs) return;
`,
    );
    expect(summary(found)).toEqual([
      "function default",
      "function one",
      "function two",
      "function deux",
      "class Server",
      "method Server.listen",
      "value three",
      "function four",
      "value six",
    ]);
    expect(found.exports[0]).toMatchObject({
      signature: "function createApp(options)",
      comment: "Makes an app.",
    });
    expect(signatures(found)).toContain("two(b)");
    expect(found.imports).toEqual(["fs"]);
  });

  it("reads values that are exported without a name, and JSX in .js files", async () => {
    const object = await outline("a.mjs", "/** Settings. */\nexport default { a: 1 };");
    expect(object.exports).toEqual([
      { name: "default", kind: "value", signature: "", comment: "Settings.", line: 2 },
    ]);
    expect(signatures(await outline("b.js", "export default () => <b>{1}</b>;"))).toEqual(["default()"]);
    expect(summary(await outline("c.ts", "const x = 1;\nexport = x;"))).toEqual(["constant default"]);
    expect(summary(await outline("d.d.ts", "export declare function f(): void;"))).toEqual(["function f"]);
  });

  it("says what is wrong with a file that has no outline", async () => {
    expect(await outline("a.ts", "export const x = ;\n")).toEqual({
      file: "a.ts",
      exports: [],
      imports: [],
      problems: ["line 1: Unexpected token"],
    });
    const problems = async (text: string | Buffer) => (await outline("a.js", text)).problems;
    expect(await problems(Buffer.from([0, 1]))).toEqual(["could not be read: it is binary, not text"]);
    expect(await problems(`x = ${"[".repeat(50_000)}`)).toEqual([
      "could not be read: the parser crashed on it",
    ]);
    await expect(bench.run("code_outline", { root: ".", file: "../x.js" })).rejects.toMatchObject({
      code: "forbidden",
    });
  });

  it("bounds what it lists and says how much is missing", async () => {
    const many = Array.from({ length: 2_000 }, (_, index) => `export const name${index} = ${index};`).join(
      "\n",
    );
    const found = await outline("a.js", many);
    expect(Buffer.byteLength(JSON.stringify(found.exports))).toBeLessThanOrEqual(32 * 1024);
    expect(found.exports.length).toBeGreaterThan(100);
    expect(found.problems).toEqual(["only the first exports are listed: there are too many"]);
  });

  it("is not overwhelmed by one thing exported under many names", async () => {
    const names = Array.from({ length: 9_000 }, (_, index) => `A as a${index}`);
    const members = Array.from({ length: 9_000 }, (_, index) => `m${index}() {}`);
    const overloads = "declare function A(): void;\n".repeat(2_000);
    const text = `class A { ${members.join("\n")} }\n${overloads}export { ${names.join(", ")} };\n`;
    expect(Buffer.byteLength(JSON.stringify(await outline("a.ts", text)))).toBeLessThan(40 * 1024);
  });

  it("outlines its own source", async () => {
    const file = "outline-source.ts";
    const own = await outline(file, await readFile(join(import.meta.dirname, file)));
    expect(summary(own)).toContain("function outlineSource");
    expect(own.exports.find(({ name }) => name === "outlineSource")?.comment).toContain(
      "what a source exports",
    );
  });
});
