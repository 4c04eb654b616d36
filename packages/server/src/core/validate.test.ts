import { describe, expect, it } from "vitest";
import { depthOf, payload, payloadText } from "./validate.ts";

describe("a payload", () => {
  it("passes through as it is", () => {
    const value = { text: "plain \\u0000 is only a backslash here", emoji: "🎉", deep: [1, [2]] };
    expect(payload(value, "it")).toEqual(value);
    expect(JSON.parse(payloadText(value, "it"))).toEqual(value);
  });

  it("with half of a surrogate pair is mended", () => {
    expect(payload({ text: "cut \ud83d", "k\udc00": 1 }, "it")).toEqual({ text: "cut \ufffd", "k\ufffd": 1 });
    expect(payload("\\\ud83d", "it")).toBe("\\\ufffd");
  });

  it("with the character NUL is refused", () => {
    expect(() => payloadText({ text: "a\0b" }, "The input")).toThrow("The input holds the character NUL");
  });

  it("that is no JSON, too deep or too large is refused", () => {
    expect(() => payloadText(10n, "it")).toThrow("is not JSON");
    expect(() => payloadText(() => 1, "it")).toThrow("is not a JSON value");
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(() => payloadText(circle, "it")).toThrow("is not JSON");
    const deep = JSON.parse("[".repeat(65) + "]".repeat(65));
    expect(() => payloadText(deep, "it")).toThrow("more than 64 levels");
    expect(() => payloadText("€".repeat(1_500_000), "it")).toThrow("bytes that fit");
    expect(() => payloadText("x".repeat(5_000_000), "it")).toThrow("more than the 4194304 bytes");
  });

  it("has its depth measured outside of strings only", () => {
    expect(depthOf('{"a":"[[[[\\"[","b":[[]]}')).toBe(3);
  });
});
