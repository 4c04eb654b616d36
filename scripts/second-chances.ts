import type { Reporter, TestCase } from "vitest/node";

/** A property's counterexample stands in the third line. */
const messageLines = 3;

/**
 * Names the tests that passed only when they were run again, with why they failed the first time: a run on a busy
 * machine goes on, and nobody can say that they did not know.
 */
export function createSecondChances(say: (line: string) => void = console.log): Reporter {
  const named: string[] = [];
  return {
    onTestCaseResult(test: TestCase) {
      if (test.diagnostic()?.flaky !== true) return;
      const why =
        test
          .result()
          .errors?.map(({ message }) => message.split("\n").slice(0, messageLines).join("\n    ")) ?? [];
      named.push([`${test.module.relativeModuleId} > ${test.fullName}`, ...why].join("\n    "));
    },
    onTestRunEnd() {
      if (named.length > 0) say(`Passed only when run again (${named.length}):\n  ${named.join("\n  ")}`);
    },
  };
}
