import fc from "fast-check";
import { expect, it } from "vitest";
import { htmlToText } from "./html-to-text.ts";

const base = new URL("https://example.com/docs/");
const text = (html: string): string => htmlToText(html, base);

it.each([
  ["<p>one</p><p>two</p>", "one\n\ntwo"],
  ["<ul><li>a<li>b</ul>", "- a\n- b"],
  ["<h2>Head</h2>text", "## Head\ntext"],
  ["a<!-- <b>hidden</b> -->b", "ab"],
  ["<style>p {}</style><SCRIPT>if (a < b) '</p>'</SCRIPT >x", "x"],
  ["a < b &lt; c &#x2014; d &unknown; &#0;", "a < b < c — d &unknown; �"],
  ['<a href="page#part">x</a> <a href="javascript:y">z</a>', "x (https://example.com/docs/page#part) z"],
  ['<img alt="a > b" src=x>', "a > b"],
  ["<table><tr><td>1<td>2</table>", "| 1 | 2"],
  ["<pre>keep\n    this</pre>", "keep\n    this"],
  ["plain", "plain"],
  ["İİİ<SCRIPT>hidden</SCRIPT>end", "İİİend"],
  ["<p", ""],
  ["<script>never ends", ""],
])("%s", (html, expected) => {
  expect(text(html)).toBe(expected);
});

it("reads anything, and shows nothing of a script", () => {
  const piece = fc.constantFrom(
    "<",
    ">",
    '"',
    "'",
    "<p ",
    "</p>",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "&#",
    "a",
    "=",
    "<a href=",
    "<pre>",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      expect(typeof text(pieces.join(""))).toBe("string");
      expect(text(`<script>${pieces.join("").replaceAll("</script", "")}</script>end`)).toBe("end");
    }),
  );
});

it("takes one pass, however a page is made", () => {
  for (const piece of ["<", '<a "', "<!--", "<script>", "&#x", "<a href='", "<div>", " ", "<pre>\n"]) {
    text(piece.repeat(200_000));
  }
});
