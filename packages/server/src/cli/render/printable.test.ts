import { expect, test } from "vitest";
import { printable } from "./printable.ts";

test("takes out what would drive a terminal", () => {
  expect(printable("\u001b[31mred\u001b[0m \u001b]0;title\u0007bell\u0007 \u202egnp")).toBe("red bell gnp");
});

test("keeps one thing on one line unless told otherwise", () => {
  expect(printable("a\r\nb\tc")).toBe("a b  c");
  expect(printable("a\nb", "\n")).toBe("a\nb");
});
