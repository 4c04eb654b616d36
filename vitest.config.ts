import { defineConfig } from "vitest/config";
import { quickStart } from "./e2e/support/quick-start.ts";
import { LongestFirst } from "./scripts/longest-first.ts";
import { createSecondChances } from "./scripts/second-chances.ts";
import { createSeededProperties } from "./scripts/seeded-properties.ts";

/** A file that gets the results as JSON; .ci/run counts from it. */
const report = process.env.MUSTER_TEST_REPORT;
/** How often a test that failed is run again; what passes only then is named at the end. */
const retry = Number(process.env.MUSTER_TEST_RETRY ?? 0);

// Tests run on the TypeScript sources of every package through an export condition of our own. Other people's packages
// have a plain "source", too, and theirs must not be run.
export default defineConfig({
  plugins: [createSeededProperties()],
  resolve: { conditions: ["@muster/source"] },
  ssr: { resolve: { conditions: ["@muster/source"] } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "scripts/**/*.test.ts",
      "e2e/**/*.test.ts",
    ],
    // Those need servers: see vitest.cluster.config.ts.
    exclude: ["**/node_modules/**", "**/*.cluster.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What is waited for comes soon, but not on a machine that is busy with other things.
    expect: { poll: { timeout: 10_000 } },
    // One more than the two cores that are counted on, since many tests wait for a process of their own.
    maxWorkers: 3,
    // They run one file after the other: every module is loaded and PostgreSQL's WebAssembly compiled once in each, and
    // not for each of hundreds of files. So no module of ours keeps what a test did; spies and variables are put back.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    sequence: { sequencer: LongestFirst },
    execArgv: quickStart,
    retry,
    reporters: ["default", createSecondChances(), ...(report === undefined ? [] : ["json"])],
    ...(report === undefined ? {} : { outputFile: { json: report } }),
  },
});
