import { expect, test } from "vitest";
import { createFakeStream } from "../../test/fake-cli-context.ts";
import { createLiveRegion } from "./live-region.ts";

/** A terminal of a few rows that understands what the region writes; returns the rows without their ends. */
function screen(text: string, columns: number): string[] {
  const rows: string[][] = [[]];
  let row = 0;
  let column = 0;
  for (const [token, up, down, clear] of text.matchAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads these
    /\u001b\[(\d+)A|\u001b\[(\d+)B|\u001b\[([JK])|\r|\n|[^\u001b\r\n]/g,
  )) {
    if (up) row = Math.max(0, row - Number(up));
    else if (down) row += Number(down);
    else if (clear) {
      rows[row] = (rows[row] ?? []).slice(0, column);
      if (clear === "J") rows.length = row + 1;
    } else if (token === "\r") column = 0;
    else if (token === "\n") row += 1;
    else {
      if (column === columns) [row, column] = [row + 1, 0];
      rows[row] ??= [];
      (rows[row] as string[])[column] = token;
      column += 1;
    }
    while (rows.length <= row) rows.push([]);
  }
  return rows.map((cells) => cells.join("")).filter((line, at, all) => line !== "" || at < all.length - 1);
}

test("writes only the lines that changed", () => {
  const stream = createFakeStream({ isTTY: true });
  const region = createLiveRegion(stream);
  region.draw(["one", "two", "three"]);
  const before = stream.text().length;
  region.draw(["one", "TWO", "three"]);
  const update = stream.text().slice(before);
  expect(update).toContain("TWO");
  expect(update).not.toContain("one");
  expect(update).not.toContain("three");
  const after = stream.text().length;
  region.draw(["one", "TWO", "three"]);
  expect(stream.text().length).toBe(after);
  expect(screen(stream.text(), 80)).toEqual(["one", "TWO", "three"]);
});

test("grows, shrinks and keeps what is printed above it", () => {
  const stream = createFakeStream({ isTTY: true });
  const region = createLiveRegion(stream);
  region.draw(["one"]);
  region.draw(["one", "two", "three"]);
  expect(screen(stream.text(), 80)).toEqual(["one", "two", "three"]);
  region.draw(["1"]);
  expect(screen(stream.text(), 80)).toEqual(["1"]);
  region.print("a line that stays");
  region.draw(["1", "2"]);
  expect(screen(stream.text(), 80)).toEqual(["a line that stays", "1", "2"]);
  region.clear();
  expect(screen(stream.text(), 80)).toEqual(["a line that stays"]);
});

test("a terminal made narrower is drawn afresh over every row that the lines take", () => {
  const stream = createFakeStream({ isTTY: true, columns: 20 });
  const region = createLiveRegion(stream);
  region.draw(["eighteen characters", "short"]);
  const before = stream.text().length;
  stream.resize(10, 24);
  region.draw(["eighteen…", "short"]);
  // The first line now takes two rows, so the region starts three rows up.
  expect(stream.text().slice(before).startsWith("\u001b[3A\r\u001b[J")).toBe(true);
});
