import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { settings } from "./config-schema.ts";
import { wantedOf } from "./read-config.ts";

const page = readFileSync(new URL("../../../../docs/configuration.md", import.meta.url), "utf8");

/** The cells of the table of settings, row by row, whatever its columns are padded with. */
const rows = (page.split("\n## ")[0] ?? "")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").slice(1, -1))
  .map((cells) => cells.map((cell) => cell.trim()));

test("docs/configuration.md says of every setting what the schema says, in its order", () => {
  const expected = Object.values(settings).map((setting) => [
    `\`${setting.variable}\``,
    setting.description,
    wantedOf(setting),
    setting.default === undefined ? (setting.otherwise ?? "none") : `\`${setting.default}\``,
  ]);
  expect(rows).toEqual(expected);
});
