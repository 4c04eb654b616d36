import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const sources = join(import.meta.dirname, "..");
const notShipped = /^test\/|\.test\.ts$/;

/** The names of all statements in the server's sources; each is prepared under its name on every connection. */
function statementNames(): string[] {
  const files = readdirSync(sources, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts") && !notShipped.test(file.replaceAll("\\", "/")))
    .map((file) => readFileSync(join(sources, file), "utf8"))
    .flatMap((text) => [...text.matchAll(/\bname: "([^"]+)",\s*text:/g)].map((match) => match[1]!));
}

it("no two statements have one name: the connection that prepared one would refuse the other", () => {
  const names = statementNames();
  expect(names.length).toBeGreaterThan(150);
  expect(names.filter((name, place) => names.indexOf(name) !== place)).toEqual([]);
});
