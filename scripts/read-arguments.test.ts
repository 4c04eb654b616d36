import { describe, expect, it } from "vitest";
import { parseArguments } from "./read-arguments.ts";

const options = {
  quick: { type: "boolean", default: false },
  rounds: { type: "string", default: "5" },
} as const;
const parse = (...args: string[]) => parseArguments("\nMeasures.\n\n  --quick  less\n", { options }, args);

describe("the command line of a script", () => {
  it("gives what was asked", () => {
    expect(parse("--rounds", "7")).toMatchObject({ values: { quick: false, rounds: "7" } });
  });

  it.each(["--help", "-h"])("explains itself for %s, whatever else is asked", (flag) => {
    expect(parse("--quick", flag)).toEqual({ text: "Measures.\n\n  --quick  less", exitCode: 0 });
  });

  it.each([
    [["--fast"], "error: Unknown option '--fast'. See --help."],
    [["--rounds"], "error: Option '--rounds <value>' argument missing. See --help."],
    [["--quick=yes"], "error: Option '--quick' does not take an argument. See --help."],
    [["often"], "error: Unexpected argument 'often'. See --help."],
  ])("refuses %j in one line", (args, text) => {
    expect(parse(...args)).toEqual({ text, exitCode: 2 });
  });
});
