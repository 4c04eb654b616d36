import { describe, expect, it } from "vitest";
import { codeBlock, codeCell, codeSpan, commentText, plainText, prose } from "./markdown.ts";

describe("plainText", () => {
  it("takes their meaning from the characters of Markdown and HTML", () => {
    expect(plainText("<script>&`*_[x](y)|~\\")).toBe("&lt;script&gt;&amp;&#96;\\*\\_\\[x\\](y)\\|\\~\\\\");
  });

  it("starts no heading, list or rule, and links nothing", () => {
    expect(["# a", "- a", "+ a", "=== a", "12. a", "3) a"].map(plainText)).toEqual([
      "\\# a",
      "\\- a",
      "\\+ a",
      "\\=== a",
      "12\\. a",
      "3\\) a",
    ]);
    expect(plainText("see https://x.y and www.x.y")).toBe("see https:&#47;/x.y and www&#46;x.y");
  });

  it("shows what hides: line breaks become spaces, control and direction marks become visible", () => {
    expect(plainText("a\r\nb\u2028c\u0007\u202ed\u0000")).toBe("a  b c\ufffd\ufffdd\ufffd");
  });
});

describe("code", () => {
  it("cannot be closed from inside", () => {
    expect(codeSpan("a`b``c")).toBe("```a`b``c```");
    expect(codeSpan("`")).toBe("`` ` ``");
    expect(codeSpan("")).toBe("`  `");
    expect(codeBlock("a\n````\nb", "ts")).toBe("`````ts\na\n````\nb\n`````");
  });

  it("stays in its cell of a table", () => {
    expect(codeCell("a.js")).toBe("`a.js`");
    expect(codeCell("\\|<b>")).toBe("<code>&#92;&#124;&#60;b&#62;</code>");
  });

  it("stands where prose has backticks", () => {
    expect(prose("Use `a<b>` not `*c")).toBe("Use `a<b>` not &#96;\\*c");
  });
});

describe("commentText", () => {
  it("keeps paragraphs, lists, tags and examples of a comment, and nothing else", () => {
    const comment =
      "Adds.\n\n- one\n* two\n# no heading <img>\n\n```js\nadd(1) // <b>\n```\n@param a the `first`\n@internal";
    expect(commentText(comment)).toBe(
      "Adds.\n\n- one\n- two\n\\# no heading &lt;img&gt;\n\n```\nadd(1) // <b>\n```\n\n- **@param** a the `first`\n- **@internal**",
    );
  });

  it("closes an example that the comment leaves open", () => {
    expect(commentText("Look:\n```\n<script>")).toBe("Look:\n\n```\n<script>\n```");
  });
});
