import { cutText, padText, textWidth } from "./fit-line.ts";
import { printable } from "./printable.ts";

export interface Column<Row> {
  title: string;
  value: (row: Row) => string;
  align?: "left" | "right";
  /** May be cut where the terminal is narrow; ids may not. */
  shrinks?: boolean;
  /** Left out where the terminal is too narrow for all, from the right. */
  optional?: boolean;
  style?: (text: string, row: Row) => string;
}

const gap = "  ";
const narrowest = 8;

/**
 * An aligned table, cut to `width` columns: first by narrowing the columns that may shrink, widest first, then by
 * leaving out optional ones. What is wider still is left to the terminal, so that an id can be copied whole.
 */
export function renderTable<Row>(
  allColumns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  titleStyle: (text: string) => string = (text) => text,
): string {
  const columns = fittingColumns(allColumns, rows, width);
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const widths = columns.map((column, at) =>
    Math.max(textWidth(column.title), ...cells.map((line) => textWidth(line[at] ?? ""))),
  );
  narrow(columns, widths, width);
  const line = (texts: readonly string[], style: (text: string, at: number) => string) =>
    columns
      .map((column, at) => {
        const text = texts[at] ?? "";
        const open = at === columns.length - 1 && column.align !== "right";
        return style(
          open ? cutText(text, widths[at] ?? 0) : padText(text, widths[at] ?? 0, column.align),
          at,
        );
      })
      .join(gap);
  const titles = line(
    columns.map((column) => column.title),
    (text) => titleStyle(text),
  );
  const body = rows.map((row, index) =>
    line(cells[index] ?? [], (text, at) => columns[at]?.style?.(text, row) ?? text),
  );
  return `${[titles, ...body].join("\n")}\n`;
}

function fittingColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): readonly Column<Row>[] {
  const least = columns.map((column) => {
    const widths = rows.map((row) => textWidth(printable(column.value(row))));
    const widest = Math.max(textWidth(column.title), ...widths);
    return column.shrinks ? Math.min(widest, Math.max(narrowest, textWidth(column.title))) : widest;
  });
  const total = least.reduce((sum, one) => sum + one, 0) + gap.length * (columns.length - 1);
  const victim = columns.findLastIndex((column) => column.optional);
  if (total <= width || victim < 0) return columns;
  return fittingColumns(columns.toSpliced(victim, 1), rows, width);
}

function narrow<Row>(columns: readonly Column<Row>[], widths: number[], width: number): void {
  const total = () => widths.reduce((sum, one) => sum + one, 0) + gap.length * (widths.length - 1);
  while (total() > width) {
    let widest = -1;
    for (const [at, column] of columns.entries()) {
      const candidate = widths[at] ?? 0;
      if (column.shrinks && candidate > narrowest && candidate > (widths[widest] ?? 0)) widest = at;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}
