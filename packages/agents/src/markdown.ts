/**
 * Text of others in Markdown. File names, messages and comments come from repositories that nobody vouches
 * for, so none of them may become HTML, a link, an image or the structure of a document.
 */

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "`": "&#96;",
};

/** One line of plain text: whatever Markdown or HTML gives a meaning stands for itself, web addresses too. */
export const plainText = (text: string): string =>
  visible(text)
    .replace(/[&<>`]/g, (character) => entities[character] ?? character)
    .replace(/[\\*_[\]|~]/g, "\\$&")
    .replace(/(?<=^ *)[#+=-]|(?<=^ *\d{1,9})[.)]/, "\\$&")
    .replaceAll("://", ":&#47;/")
    .replace(/\bwww\./gi, "www&#46;");

/** One line of code, which stays as it is: only what could end it or break a table is dealt with. */
export const codeSpan = (text: string): string => {
  const clean = visible(text);
  const fence = "`".repeat(longestRun(clean, "`") + 1);
  const pad = clean === "" || clean.startsWith("`") || clean.endsWith("`") || / $|^ /.test(clean) ? " " : "";
  return `${fence}${pad}${clean}${pad}${fence}`;
};

/**
 * Code for a cell of a table. A bar ends a cell even inside a code span, and renderers disagree about one
 * with backslashes in front, so a text that has either is written with entities instead.
 */
export const codeCell = (text: string): string => {
  if (!/[|\\]/.test(text)) return codeSpan(text);
  const encoded = visible(text).replace(/[^A-Za-z0-9 /.]/gu, (one) => `&#${one.codePointAt(0)};`);
  return `<code>${encoded}</code>`;
};

/** One line of prose in which `quoted` pieces become code, as linters and comments write them. */
export const prose = (text: string): string =>
  visible(text)
    .trim()
    .split(/(`[^`]+`)/)
    .map((piece, index) => (index % 2 === 1 ? codeSpan(piece.slice(1, -1)) : plainText(piece)))
    .join("");

/** Lines of code between fences that nothing in them can close. */
export const codeBlock = (code: string, language: string): string => {
  const fence = "`".repeat(Math.max(3, longestRun(code, "`") + 1));
  return `${fence}${language}\n${code.split(/\r?\n/).map(visible).join("\n")}\n${fence}`;
};

/** A comment of the source: paragraphs, lists and fenced examples stay, everything else is prose. */
export const commentText = (comment: string): string => {
  const pieces = comment.split(/^\s*```.*$/m);
  return pieces
    .map((piece, index) => {
      const text = piece.replace(/^\n+|\s+$/g, "");
      return index % 2 === 1 ? codeBlock(text, "") : text.split("\n").map(commentLine).join("\n");
    })
    .filter((piece) => piece !== "")
    .join("\n\n");
};

const commentLine = (line: string): string => {
  const [, bullet = "", rest = ""] = /^\s*([-*]\s+)?(.*)$/.exec(line) ?? [];
  const tag = /^@(\w+)\s*(.*)$/.exec(rest);
  const text = tag === null ? prose(rest) : `- **@${tag[1]}** ${prose(tag[2] ?? "")}`;
  return bullet === "" || tag !== null ? text.trimEnd() : `- ${text}`;
};

/** Control characters, line breaks and marks that turn the direction of text become visible or spaces. */
const visible = (text: string): string =>
  text
    .replace(/[\t\n\r\u2028\u2029]/g, " ")
    .replace(/[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu, "\ufffd");

const longestRun = (text: string, character: string): number => {
  let longest = 0;
  let run = 0;
  for (const one of text) {
    run = one === character ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
};
