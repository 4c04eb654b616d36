import type { Readable } from "node:stream";

/** What is kept of the beginning and of the end. */
const headBytes = 192 * 1024;
const tailBytes = 64 * 1024;

export interface CollectedOutput {
  add(stream: Readable): void;
  text(): string;
}

/** Collects what streams say, in the order in which it comes: the beginning, the end, and how much there was. */
export function collectOutput(mostBytes: number, onTooMuch: () => void): CollectedOutput {
  const head: Buffer[] = [];
  let tail = Buffer.alloc(0);
  let headLength = 0;
  let length = 0;
  const take = (chunk: Buffer): void => {
    // What comes after the end was decided is read, so that the writer does not wait, and dropped.
    if (length > mostBytes) return;
    length += chunk.length;
    const room = Math.max(0, headBytes - headLength);
    if (room > 0) head.push(chunk.subarray(0, room));
    headLength += Math.min(room, chunk.length);
    const rest = chunk.subarray(room);
    if (rest.length > 0) tail = Buffer.concat([tail, rest]).subarray(-tailBytes);
    if (length > mostBytes) onTooMuch();
  };
  return {
    add: (stream) => {
      stream.on("data", take);
    },
    text: () => {
      const left = length - headLength - tail.length;
      const gap = left > 0 ? Buffer.from(`\n… ${left} bytes were left out …\n`) : Buffer.alloc(0);
      return Buffer.concat([...head, gap, tail]).toString("utf8");
    },
  };
}
