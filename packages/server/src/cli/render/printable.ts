import { stripVTControlCharacters } from "node:util";

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const controls = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;

/**
 * Text from agents and files, made safe for a terminal: escape sequences, control and direction characters
 * are taken out. Line breaks become `lineBreak`, a space by default, so that one thing stays on one line.
 */
export function printable(text: string, lineBreak = " "): string {
  return stripVTControlCharacters(text)
    .split(/\r?\n/)
    .map((line) => line.replaceAll("\t", "  ").replace(controls, ""))
    .join(lineBreak);
}
