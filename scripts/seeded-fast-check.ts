/**
 * fast-check as tests see it: its properties start from `MUSTER_TEST_SEED`, where it is set. It stands in for the
 * package (see `createSeededProperties`), so that only test files that use it load it.
 */
import fc from "fast-check";
import { fixedSeed } from "../packages/server/src/test/test-seed.ts";

const seed = fixedSeed();
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });

export * from "fast-check";
export default fc;
