import { expect, test } from "vitest";
import { formatBytes } from "./format-bytes.ts";

test.each([
  [0, "0 B"],
  [812, "812 B"],
  [1_024, "1.0 KiB"],
  [1_048_575, "1.0 MiB"],
  [4_400_000, "4.2 MiB"],
  [1_024 ** 4 * 2_048, "2048.0 TiB"],
])("%i is %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
