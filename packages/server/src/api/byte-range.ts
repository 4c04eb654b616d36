export interface ByteRange {
  start: number;
  end: number;
}

/**
 * The part that a `Range` header asks for, of content with this many bytes: undefined for all of it, which is also the
 * answer to several parts at once or another unit; null where there is no such part.
 */
export function byteRangeOf(header: string | undefined, bytes: number): ByteRange | null | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  const start = first === "" ? Math.max(0, bytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? bytes - 1 : Math.min(bytes - 1, Number(last));
  if (first !== "" && last !== "" && Number(last) < start) return undefined;
  return start > end ? null : { start, end };
}
