import type { CliStream } from "../cli-context.ts";
import { textWidth } from "./fit-line.ts";
import { printable } from "./printable.ts";

/** A few lines at the bottom of a terminal that are redrawn in place. */
export interface LiveRegion {
  /** Shows these lines instead of the last ones; writes only the lines that changed. */
  draw(lines: readonly string[]): void;
  /** Writes text above the region, where it stays. */
  print(text: string): void;
  /** Takes the region off the screen. */
  clear(): void;
  /** Leaves the region as it stands and gives the cursor back. */
  close(): void;
}

const csi = "\u001b[";
const up = (count: number) => (count > 0 ? `${csi}${count}A` : "");
const down = (count: number) => (count > 0 ? `${csi}${count}B` : "");
const clearLine = `${csi}K`;
const clearBelow = `${csi}J`;

/**
 * The cursor rests at the start of the line below the region. Lines have to be narrower than the terminal;
 * when it is made narrower the terminal breaks them, so the region counts the rows that they take now and
 * starts afresh.
 */
export function createLiveRegion(stream: CliStream): LiveRegion {
  let shown: readonly string[] = [];
  let columns = stream.columns();
  let closed = false;

  const rowsTaken = () => {
    const width = stream.columns();
    return shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(printable(line)) / width)), 0);
  };
  const wipe = () => {
    const moves = up(rowsTaken());
    shown = [];
    return `${moves}\r${clearBelow}`;
  };
  const redraw = (lines: readonly string[]) => {
    let output = "";
    for (const [at, line] of lines.slice(0, shown.length).entries()) {
      if (line === shown[at]) continue;
      const distance = shown.length - at;
      output += `${up(distance)}\r${line}${clearLine}${down(distance)}\r`;
    }
    if (lines.length < shown.length) output += `${up(shown.length - lines.length)}\r${clearBelow}`;
    for (const line of lines.slice(shown.length)) output += `${line}${clearLine}\r\n`;
    shown = [...lines];
    return output;
  };

  return {
    draw: (lines) => {
      if (closed) return;
      stream.setCursorVisible(false);
      const resized = stream.columns() !== columns;
      columns = stream.columns();
      const output = (resized && shown.length > 0 ? wipe() : "") + redraw(lines);
      if (output !== "") stream.write(output);
    },
    print: (text) => {
      const lines = shown;
      const wiped = shown.length > 0 ? wipe() : "";
      stream.write(`${wiped}${text.endsWith("\n") ? text : `${text}\n`}${closed ? "" : redraw(lines)}`);
    },
    clear: () => {
      if (shown.length > 0) stream.write(wipe());
    },
    close: () => {
      closed = true;
      shown = [];
      stream.setCursorVisible(true);
    },
  };
}
