import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startVitest } from "vitest/node";
import { createSecondChances } from "./second-chances.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "muster-second-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("names what passed only when it was run again, and why it failed before", async () => {
  await writeFile(
    join(folder, "sometimes.test.js"),
    `let runs = 0;
    test("steady", () => {});
    test("sometimes", () => { if (++runs < 2) throw new Error("not yet\\nmore\\nand more\\nbut not this"); });
    test("never", () => { throw new Error("no"); });`,
  );
  const said: string[] = [];
  const run = await startVitest("test", [], {
    root: folder,
    config: false,
    watch: false,
    globals: true,
    retry: 1,
    reporters: [createSecondChances((line) => said.push(line))],
  });
  await run.close();
  expect(said).toEqual([
    "Passed only when run again (1):\n  sometimes.test.js > sometimes\n    not yet\n    more\n    and more",
  ]);
  process.exitCode = 0;
});
