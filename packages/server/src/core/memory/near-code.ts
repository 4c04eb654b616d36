/** A vector as searches read it: its signs for a rough look, and its numbers in 16 bits each to compare. */
export interface NearCode {
  /** One `0` or `1` for each dimension. */
  signs: string;
  /** What one of the numbers in `codes` stands for. */
  scale: number;
  /** As hexadecimal digits, the lower byte of each number first. */
  codes: string;
}

/** The largest number of 16 bits with a sign. */
const largest = 32_767;

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Which way a vector points, one bit for each dimension. */
export const signsOf = (vector: readonly number[]): string =>
  vector.map((value) => (value > 0 ? "1" : "0")).join("");

/** The largest of a vector's numbers becomes the largest of 16 bits, the others in proportion. */
export function nearCodeOf(vector: readonly number[]): NearCode {
  const scale = Math.fround(
    (vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1) / largest,
  );
  const codes = vector.map((value) => {
    const code = Math.max(-largest, Math.min(largest, Math.round(value / scale)));
    return `${hexOf[code & 0xff]}${hexOf[(code >> 8) & 0xff]}`;
  });
  return { signs: signsOf(vector), scale, codes: codes.join("") };
}

/** The cosine of a vector of length 1 and one that is kept as codes: to the fifth digit what the whole numbers would say. */
export function similarityTo(vector: readonly number[], scale: number, codes: Uint8Array): number {
  const view = new DataView(codes.buffer, codes.byteOffset, codes.byteLength);
  let sum = 0;
  for (let at = 0; at < vector.length; at++) sum += (vector[at] as number) * view.getInt16(2 * at, true);
  return Math.max(-1, Math.min(1, sum * scale));
}
