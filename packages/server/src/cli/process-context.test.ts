import { expect, test } from "vitest";
import { createProcessContext, wantsColor } from "./process-context.ts";

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ FORCE_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "0" }, true, false],
  [{ NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
])("colours with %j on a terminal: %s → %s", (env, isTTY, expected) => {
  expect(wantsColor(env, isTTY)).toBe(expected);
});

test("knows this machine and this process from others", () => {
  const { isThisMachine, isProcessAlive } = createProcessContext();
  expect(["localhost", "127.0.0.1", "127.9.9.9", "[::1]"].every(isThisMachine)).toBe(true);
  expect(["example.com", "8.8.8.8", "127.example.com", ""].some(isThisMachine)).toBe(false);
  expect(isProcessAlive(process.pid)).toBe(true);
  expect(isProcessAlive(2 ** 22 + 1)).toBe(false);
});
