/** Checks that files and functions stay short enough to be read in one go. */
import { type Finding, reportFindings } from "./findings.ts";
import { measureFunctions } from "./measure-functions.ts";
import { isProgram, readSource, sourceFiles } from "./source-files.ts";

const mostLines = 300;
const mostFunctionLines = 60;

/** Files and functions (`file#function`) that may be longer, each with its reason. */
const exceptions = new Map<string, string>([
  [
    "packages/workflow/src/bad-files.test.ts",
    "A list of broken workflow files, each with what is said of it.",
  ],
]);

const findings: Finding[] = sourceFiles()
  .filter(isProgram)
  .flatMap((file) => {
    const text = readSource(file);
    const lines = text.split("\n").length - 1;
    const tooLong: Finding[] = measureFunctions(file, text)
      .filter(({ name, lines }) => lines > mostFunctionLines && !exceptions.has(`${file}#${name}`))
      .map(({ name, line, lines }) => ({
        file,
        line,
        what: `${name} has ${lines} lines of its own; ${mostFunctionLines} are allowed`,
        why: "A function that does not fit on a screen does more than one thing. Split it.",
      }));
    if (lines > mostLines && !exceptions.has(file)) {
      const what = `has ${lines} lines; ${mostLines} are allowed`;
      tooLong.unshift({
        file,
        what,
        why: "A file is about one thing. Split it by what its parts are about.",
      });
    }
    return tooLong;
  });
reportFindings("sizes", findings);
