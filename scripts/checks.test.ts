import { describe, expect, it } from "vitest";
import { findPrivateText } from "./committed-text.ts";
import { isPermissive } from "./is-permissive.ts";
import { measureFunctions } from "./measure-functions.ts";

describe("licences", () => {
  it.each(["MIT", "(MIT OR GPL-3.0-only)", "MIT AND ISC", "GPL-2.0 OR (MIT AND Apache-2.0)"])(
    "takes %s",
    (expression) => {
      expect(isPermissive(expression)).toBe(true);
    },
  );
  it.each([
    "GPL-3.0-only",
    "MIT AND GPL-3.0-only",
    "SEE LICENSE IN LICENSE.md",
    "UNLICENSED",
    "",
    "(MIT",
    "MIT WITH X",
  ])("refuses %s", (expression) => {
    expect(isPermissive(expression)).toBe(false);
  });
});

describe("private text", () => {
  // Put together here, so that this file does not hold what it looks for.
  it.each([
    ["a home folder", ["", "home", "ada", "muster"].join("/")],
    ["root's home folder", ["", "root", ".npmrc"].join("/")],
    ["a working folder", ["", "work", "main"].join("/")],
    ["the address of a registry", `https://${"registry"}.example.org/x`],
    ["a token of GitHub", `ghp_${"a".repeat(36)}`],
    ["an access key of AWS", `AKIA${"A".repeat(16)}`],
    ["a private key", `-----BEGIN ${"PRIVATE"} KEY-----`],
    ["a password in an address", `amqp://muster:${"s3cret"}@localhost`],
  ])("finds %s", (what, text) => {
    expect(findPrivateText("a.md", `first\n${text}`)).toMatchObject([{ line: 2, what: `holds ${what}` }]);
  });
  it.each([
    "/home",
    "https://example.org/home/page",
    "src/home/task.ts",
    "postgres://localhost/db",
    "/workflows/a",
  ])("lets pass: %s", (text) => {
    expect(findPrivateText("a.md", text)).toEqual([]);
  });
});

describe("lengths", () => {
  it("counts the lines of inner functions for these alone", () => {
    const text =
      "function outer() {\n  const inner = () => {\n    a();\n    b();\n  };\n  return inner;\n}\n";
    expect(measureFunctions("a.ts", text)).toEqual([
      { name: "outer", line: 1, lines: 3 },
      { name: "inner", line: 2, lines: 4 },
    ]);
  });

  it("takes what describe is given for a group, not for a function", () => {
    const text =
      'describe.each([])("a", () => {\n  const data = 1;\n  it("b", () => {\n    c();\n  });\n});\n';
    expect(measureFunctions("a.test.ts", text)).toMatchObject([{ line: 3, lines: 3 }]);
  });
});
