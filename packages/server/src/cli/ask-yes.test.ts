import { expect, test } from "vitest";
import { createFakeCliContext } from "../test/fake-cli-context.ts";
import { askYes } from "./ask-yes.ts";

async function* typed(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

test.each([
  [["y\n"], true],
  [["Yes\n"], true],
  [["y", "es", "\n"], true],
  [["y"], true],
  [["\n"], false],
  [["n\ny\n"], false],
  [["yesterday\n"], false],
  [[], false],
  [["y".repeat(5_000)], false],
])("%j: %s", async (parts, expected) => {
  const context = createFakeCliContext({ stdin: () => typed(...parts) });
  expect(await askYes(context, "Start them?")).toBe(expected);
  expect(context.stderr.text()).toBe("Start them? [y/N] ");
});
