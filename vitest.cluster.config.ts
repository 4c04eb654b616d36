import { defineConfig } from "vitest/config";
import { LongestFirst } from "./scripts/longest-first.ts";
import { createSecondChances } from "./scripts/second-chances.ts";
import { createSeededProperties } from "./scripts/seeded-properties.ts";

/** A file that gets the results as JSON; .ci/run counts from it. */
const report = process.env.MUSTER_TEST_REPORT;
/** How often a test that failed is run again; what passes only then is named at the end. */
const retry = Number(process.env.MUSTER_TEST_RETRY ?? 0);

// Tests that need PostgreSQL, RabbitMQ and Redis. The setup starts what does not run; where one can't be had nothing is
// tested and the run fails: a cluster test never skips.
export default defineConfig({
  plugins: [createSeededProperties()],
  resolve: { conditions: ["@muster/source"] },
  ssr: { resolve: { conditions: ["@muster/source"] } },
  test: {
    include: [
      "packages/*/src/**/*.cluster.test.ts",
      "scripts/**/*.cluster.test.ts",
      "e2e/**/*.cluster.test.ts",
    ],
    globalSetup: ["scripts/services/cluster-setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // What is waited for comes soon, but not on a machine that is busy with other things.
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    retry,
    reporters: ["default", createSecondChances(), ...(report === undefined ? [] : ["json"])],
    ...(report === undefined ? {} : { outputFile: { json: report } }),
  },
});
