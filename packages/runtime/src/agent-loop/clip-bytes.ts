/** The first bytes of a text, without half a character at the end. */
export const clipBytes = (text: string, mostBytes: number): string => {
  if (text.length * 3 <= mostBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= mostBytes) return text;
  let end = mostBytes;
  // Bytes 10xxxxxx go on with the character before.
  while (end > 0 && (bytes[end]! & 0b1100_0000) === 0b1000_0000) end--;
  return bytes.subarray(0, end).toString();
};
