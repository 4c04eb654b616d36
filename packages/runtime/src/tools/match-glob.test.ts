import fc from "fast-check";
import { expect, it } from "vitest";
import { matchGlob } from "./match-glob.ts";

it.each([
  ["**/*.ts", "a.ts", true],
  ["**/*.ts", "src/deep/a.ts", true],
  ["*.ts", "src/a.ts", false],
  ["src/**", "src", true],
  ["src/**/*.md", "src/a.md", true],
  ["src/**/x/*.md", "src/a/b/x/c.md", true],
  ["src/**/x/*.md", "src/a/b/y/c.md", false],
  ["*.{ts,tsx}", "a.tsx", true],
  ["{a,b{c,d}}.js", "bd.js", true],
  ["{a,b{c,d}}.js", "b.js", false],
  ["a?c", "abc", true],
  ["a?c", "a/c", false],
  ["[a-c]x", "bx", true],
  ["[!a-c]x", "bx", false],
  ["{alone", "{alone", true],
  ["?", "😀", true],
])("%s on %s: %s", (pattern, path, expected) => {
  expect(matchGlob(pattern, path)).toBe(expected);
});

it("matches what it was made from, and nothing longer", () => {
  const name = fc.stringMatching(/^[a-z]{1,6}$/);
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), fc.nat(5), (names, at) => {
      const path = names.join("/");
      const starred = names.map((one, index) => (index === at ? "*" : one)).join("/");
      expect(matchGlob(path, path)).toBe(true);
      expect(matchGlob(starred, path)).toBe(true);
      expect(matchGlob("**", path)).toBe(true);
      expect(matchGlob(path, `${path}/more`)).toBe(false);
    }),
  );
});

it("does not think for ages about a pattern that would make a regular expression do so", () => {
  const name = "a".repeat(5_000);
  expect(matchGlob(`${"*a".repeat(200)}b`, name)).toBe(false);
  expect(matchGlob(`${"**/a/".repeat(100)}b`, "a/".repeat(2_000))).toBe(false);
  expect(matchGlob("{a,b}".repeat(60), name)).toBe(false);
});
