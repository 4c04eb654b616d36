import type { Colors } from "../cli-context.ts";
import { printable } from "./printable.ts";

/** A label, its text (left out where empty) and how to colour it. */
export type Field = readonly [label: string, text: string | null, style?: (text: string) => string];

/** One thing as aligned lines of label and text; further lines of a text are indented below its first. */
export function describeFields(colors: Colors, fields: readonly Field[]): string {
  const present = fields.filter(([, text]) => text !== null && text !== "");
  const width = Math.max(0, ...present.map(([label]) => label.length));
  const indent = `\n${" ".repeat(width + 2)}`;
  return present
    .map(([label, text, style]) => {
      const shown = printable(text ?? "", indent);
      return `${colors.dim(label.padEnd(width))}  ${style ? style(shown) : shown}\n`;
    })
    .join("");
}
