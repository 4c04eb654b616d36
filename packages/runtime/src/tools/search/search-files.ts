import type { WalkEntry } from "../workspace/walk-folder.ts";
import type { LineFinder, LineRange } from "./line-finder.ts";

/** A file with lines that match. */
export interface FileHits {
  path: string;
  lines: readonly string[];
  hits: readonly LineRange[];
}

/** Larger files are data, and are passed over. */
const mostSearchedBytes = 2 * 1024 * 1024;
/** Characters that go to the finder at a time. */
const batchChars = 512 * 1024;

/** Reads files and yields those with hits, in order. Binary and large ones are passed over. */
export async function* searchFiles(
  entries: AsyncIterable<WalkEntry>,
  finder: LineFinder,
  wanted: (path: string) => boolean,
): AsyncGenerator<FileHits, void, undefined> {
  let batch: { path: string; text: string }[] = [];
  let chars = 0;
  for await (const entry of entries) {
    if (!wanted(entry.path)) continue;
    const bytes = await entry.read(mostSearchedBytes);
    if (bytes === null || bytes.subarray(0, 8_192).includes(0)) continue;
    const text = bytes.toString("utf8");
    batch.push({ path: entry.path, text });
    chars += text.length;
    if (chars < batchChars) continue;
    yield* findIn(batch, finder);
    batch = [];
    chars = 0;
  }
  yield* findIn(batch, finder);
}

async function* findIn(
  batch: readonly { path: string; text: string }[],
  finder: LineFinder,
): AsyncGenerator<FileHits, void, undefined> {
  if (batch.length === 0) return;
  const found = await finder.find(batch.map(({ text }) => text));
  for (const [index, { path, text }] of batch.entries()) {
    const hits = found[index] ?? [];
    if (hits.length > 0) yield { path, hits, lines: text.split("\n").map((line) => line.replace(/\r$/, "")) };
  }
}
