/**
 * Cuts a stream into chunks of one length, the last one shorter or empty, and gives each to `turn` with its place and
 * whether it is the last.
 */
export async function* createChunks(
  from: AsyncIterable<Uint8Array>,
  chunkBytes: number,
  turn: (chunk: Buffer, index: number, isLast: boolean) => Buffer,
): AsyncGenerator<Buffer> {
  let index = 0;
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of from) {
    held.push(piece);
    bytes += piece.byteLength;
    if (bytes <= chunkBytes) continue;
    let all = Buffer.concat(held);
    // One that is full may be the last, so it is given out only when more has come.
    for (; all.length > chunkBytes; all = all.subarray(chunkBytes))
      yield turn(all.subarray(0, chunkBytes), index++, false);
    held = [all];
    bytes = all.length;
  }
  yield turn(Buffer.concat(held), index, true);
}
