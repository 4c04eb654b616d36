import { StringDecoder } from "node:string_decoder";
import { MusterError } from "@muster/sdk/protocol";

/** Rows that are under way at once, as far as single rows let it. */
const batchChars = 4 * 1024 * 1024;
const batchRows = 2_000;
/** Beyond it a row can't be one of ours. */
const longestRow = 256 * 1024 * 1024;

/** The lines of a stream in batches, with bounded memory. A last line without an end is none of ours. */
export async function* readLines(from: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new StringDecoder("utf8");
  let begun: string[] = [];
  let begunChars = 0;
  let lines: string[] = [];
  let chars = 0;
  for await (const chunk of from) {
    const pieces = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)).split("\n");
    const last = pieces.pop() ?? "";
    for (const piece of pieces) {
      const line = begun.length === 0 ? piece : begun.join("") + piece;
      begun = [];
      begunChars = 0;
      lines.push(line);
      chars += line.length;
      if (lines.length < batchRows && chars < batchChars) continue;
      yield lines;
      lines = [];
      chars = 0;
    }
    if (last === "") continue;
    begun.push(last);
    begunChars += last.length;
    if (begunChars > longestRow) throw notOurs();
  }
  if (begunChars > 0 || decoder.end() !== "") throw notOurs();
  if (lines.length > 0) yield lines;
}

const notOurs = (): MusterError =>
  new MusterError("content_damaged", "The rows of the backup are not what Muster writes.");
