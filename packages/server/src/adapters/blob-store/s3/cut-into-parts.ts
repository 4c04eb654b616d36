const firstBytes = 64 * 1024;

/**
 * The same bytes in parts of exactly `partBytes` but for the last. The parts are copies: whoever gives the chunks
 * may use their memory again. A part grows as it fills, so that a small blob takes little memory.
 */
export async function* cutIntoParts(
  body: AsyncIterable<Uint8Array>,
  partBytes: number,
): AsyncGenerator<Buffer> {
  let part = Buffer.alloc(0);
  let filled = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength; ) {
      const taken = Math.min(chunk.byteLength - at, partBytes - filled);
      if (filled + taken > part.length) part = grown(part, filled, filled + taken, partBytes);
      part.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled === partBytes) {
        yield part;
        part = Buffer.alloc(0);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

function grown(part: Buffer, filled: number, needed: number, most: number) {
  const larger = Buffer.allocUnsafe(Math.min(most, Math.max(needed, part.length * 2, firstBytes)));
  part.copy(larger, 0, 0, filled);
  return larger;
}
