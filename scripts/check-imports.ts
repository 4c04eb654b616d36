/** Checks that every file imports only what its place in the tree allows; import-rules.ts says what that is. */
import { findImportViolations } from "./find-import-violations.ts";
import { reportFindings } from "./findings.ts";
import { isProgram, readSource, sourceFiles } from "./source-files.ts";

const files = sourceFiles().filter((file) => file.startsWith("packages/") && isProgram(file));
reportFindings(
  "import directions",
  files.flatMap((file) => findImportViolations(file, readSource(file))),
);
