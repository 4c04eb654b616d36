import { readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const importLine = /^import\s+(?!type\b)(?:[^"]*?from\s+)?"([^"]+)";/gm;

/** Everything that a file loads before it does anything: static imports, types left out, over relative files. */
function loads(file: string, seen = new Set<string>(), packages = new Set<string>()): Set<string> {
  if (seen.has(file)) return packages;
  seen.add(file);
  for (const [, name] of readFileSync(file, "utf8").matchAll(importLine)) {
    if (name?.startsWith(".")) loads(resolve(dirname(file), name), seen, packages);
    else if (name) packages.add(name);
  }
  return packages;
}

test("the command line starts without the orchestrator, the SDK and anything else that is slow to load", () => {
  const entry = fileURLToPath(new URL("./main.ts", import.meta.url));
  const seen = new Set<string>();
  const packages = [...loads(entry, seen)].filter((name) => !name.startsWith("node:"));
  expect(packages.sort()).toEqual(["commander", "picocolors"]);
  expect(seen.size).toBeGreaterThan(20);
  const others = [...seen].filter((file) => !file.includes("/cli/"));
  expect(others.map((file) => basename(file))).toEqual(["edit-distance.ts"]);
});
