/** A piece of a line with the colours it gets once its width is settled. */
export interface Segment {
  text: string;
  style?: (text: string) => string;
}

const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const doubleWidth =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|^\p{Emoji_Presentation}/u;

function characterWidth(character: string): number {
  if (character >= " " && character <= "~") return 1;
  if (zeroWidth.test(character)) return 0;
  return doubleWidth.test(character) ? 2 : 1;
}

/** Columns that plain text takes in a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** Text cut to at most `width` columns; what was cut shows as `…`. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width < 1) return "";
  let kept = "";
  let used = 0;
  for (const character of text) {
    used += characterWidth(character);
    if (used > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Text cut or filled with spaces to exactly `width` columns. */
export function padText(text: string, width: number, align: "left" | "right" = "left"): string {
  const cut = cutText(text, width);
  const space = " ".repeat(Math.max(0, width - textWidth(cut)));
  return align === "left" ? cut + space : space + cut;
}

/** One line of at most `width` columns from segments; colours never count and are never cut, blank ends are. */
export function fitLine(segments: readonly Segment[], width: number): string {
  let line = "";
  let left = width;
  const end = segments.findLastIndex(({ text }) => text.trim() !== "") + 1;
  for (const { text, style } of segments.slice(0, end)) {
    if (left <= 0) break;
    const cut = cutText(text, left);
    line += style && cut !== "" ? style(cut) : cut;
    left -= textWidth(cut);
    if (cut !== text) break;
  }
  return line;
}
