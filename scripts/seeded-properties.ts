import { fileURLToPath } from "node:url";
import type { Plugin } from "vitest/config";

const seeded = fileURLToPath(new URL("seeded-fast-check.ts", import.meta.url));

/** Gives tests that import fast-check the one whose properties start from `MUSTER_TEST_SEED`. */
export function createSeededProperties(): Plugin {
  return {
    name: "muster-seeded-properties",
    enforce: "pre",
    resolveId: (source, importer) => (source === "fast-check" && importer !== seeded ? seeded : null),
  };
}
