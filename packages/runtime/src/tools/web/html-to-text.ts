import { decodeEntities } from "./decode-entities.ts";

/** Elements of which nothing is read. */
const skipped = new Set([
  "script",
  "style",
  "noscript",
  "template",
  "svg",
  "iframe",
  "object",
  "canvas",
  "math",
]);
const blocks = new Set(
  "address article aside blockquote body br dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tbody tfoot thead title tr ul".split(
    " ",
  ),
);

interface Writer {
  parts: string[];
  /** Depth of `pre`, where spaces count. */
  preformatted: number;
  /** Targets of the links that are open. */
  links: string[];
  base: URL;
}

/**
 * What a person reads on a page, as text: headings with `#`, items with `-`, links with their address. It takes one pass
 * over the page, however that is made, and runs and loads nothing of it.
 */
export function htmlToText(html: string, base: URL): string {
  const writer: Writer = { parts: [], preformatted: 0, links: [], base };
  // Letters of ASCII only: others may change their length, and places would no longer be the same.
  const lower = html.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf("<", at);
    if (open === -1) {
      write(writer, html.slice(at));
      break;
    }
    write(writer, html.slice(at, open));
    at = markup(writer, html, lower, open);
  }
  return tidy(writer.parts.join(""));
}

/** Handles what begins with `<`, and answers where to go on. */
function markup(writer: Writer, html: string, lower: string, open: number): number {
  if (html.startsWith("<!--", open)) return after(html, "-->", open + 4);
  if (/[!?]/.test(html[open + 1] ?? "")) return after(html, ">", open);
  const isEnd = html[open + 1] === "/";
  const nameAt = open + (isEnd ? 2 : 1);
  if (!/[a-z]/.test(lower[nameAt] ?? "")) {
    write(writer, "<");
    return open + 1;
  }
  const end = tagEnd(html, nameAt);
  const tag = html.slice(nameAt, end);
  const name = /^[^\s/>]*/.exec(tag.toLowerCase())![0];
  if (isEnd) endTag(writer, name);
  else if (skipped.has(name))
    return tag.endsWith("/") ? end + 1 : after(html, ">", closing(lower, name, end));
  else startTag(writer, name, tag);
  return end + 1;
}

/** Where a tag's `>` is: not one in quotes. A tag that never ends takes the rest. */
function tagEnd(html: string, from: number): number {
  for (let at = from; at < html.length; at++) {
    const char = html[at];
    if (char === ">") return at;
    if (char === '"' || char === "'") {
      const end = html.indexOf(char, at + 1);
      if (end === -1) return html.length;
      at = end;
    }
  }
  return html.length;
}

const closing = (lower: string, name: string, from: number): number => {
  const end = lower.indexOf(`</${name}`, from);
  return end === -1 ? lower.length : end;
};

const after = (html: string, mark: string, from: number): number => {
  const end = html.indexOf(mark, from);
  return end === -1 ? html.length : end + mark.length;
};

function startTag(writer: Writer, name: string, tag: string): void {
  if (blocks.has(name)) writer.parts.push("\n");
  if (/^h[1-6]$/.test(name)) writer.parts.push(`\n${"#".repeat(Number(name[1]))} `);
  else if (name === "li") writer.parts.push("- ");
  else if (name === "pre") writer.preformatted++;
  else if (name === "td" || name === "th") writer.parts.push(" | ");
  else if (name === "p") writer.parts.push("\n");
  else if (name === "a" && writer.links.length < 100) writer.links.push(targetOf(tag, writer.base));
  else if (name === "img") write(writer, attribute(tag, "alt"));
}

function endTag(writer: Writer, name: string): void {
  if (name === "pre") writer.preformatted = Math.max(0, writer.preformatted - 1);
  if (name === "a") {
    const target = writer.links.pop();
    if (target !== undefined && target !== "") writer.parts.push(` (${target})`);
  }
  if (blocks.has(name)) writer.parts.push("\n");
}

function targetOf(tag: string, base: URL): string {
  const href = attribute(tag, "href");
  if (href === "" || href.startsWith("#") || !URL.canParse(href, base.href)) return "";
  const target = new URL(href, base);
  return /^https?:$/.test(target.protocol) ? target.href : "";
}

const longestTag = 5_000;

function attribute(tag: string, name: string): string {
  const found = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, "i").exec(
    tag.slice(0, longestTag),
  );
  return decodeEntities(found?.[1] ?? found?.[2] ?? found?.[3] ?? "");
}

function write({ parts, preformatted }: Writer, text: string): void {
  if (text === "") return;
  const decoded = decodeEntities(text);
  parts.push(preformatted > 0 ? decoded : decoded.replace(/\s+/g, " "));
}

/** Spaces at the ends of lines go, and of empty lines only one stays. */
function tidy(text: string): string {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    const trimmed = line.trimEnd();
    const isBlank = trimmed.trim() === "" || trimmed.trim() === "-";
    if (!isBlank) lines.push(trimmed.replace(/^ (?=\S)/, ""));
    else if (lines.length > 0 && lines.at(-1) !== "") lines.push("");
  }
  return lines.join("\n").trim();
}
