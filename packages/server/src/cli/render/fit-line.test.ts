import { expect, test } from "vitest";
import { cutText, fitLine, padText, textWidth } from "./fit-line.ts";

test("counts columns, not characters", () => {
  expect(textWidth("abc")).toBe(3);
  expect(textWidth("日本")).toBe(4);
  expect(textWidth("e\u0301")).toBe(1);
  expect(textWidth("✔ ok")).toBe(4);
});

test("cuts to the width and shows that it did", () => {
  expect(cutText("abcdef", 6)).toBe("abcdef");
  expect(cutText("abcdef", 4)).toBe("abc…");
  expect(cutText("日本語", 4)).toBe("日…");
  expect(cutText("abc", 0)).toBe("");
});

test("pads on either side", () => {
  expect(padText("ab", 4)).toBe("ab  ");
  expect(padText("ab", 4, "right")).toBe("  ab");
  expect(padText("abcdef", 4)).toBe("abc…");
});

test("colours a line after it was cut", () => {
  const red = (text: string) => `<${text}>`;
  expect(fitLine([{ text: "one " }, { text: "two", style: red }], 10)).toBe("one <two>");
  expect(fitLine([{ text: "one " }, { text: "three", style: red }, { text: "x" }], 7)).toBe("one <th…>");
});
