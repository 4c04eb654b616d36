/** Checks that nothing is committed that belongs to one machine or to nobody's eyes. */
import { findPrivateText } from "./committed-text.ts";
import { reportFindings } from "./findings.ts";
import { readSource, sourceFiles } from "./source-files.ts";

/** Larger files are data; the only ones are the lock file and templates of the store. */
const mostBytes = 2_000_000;

const findings = sourceFiles().flatMap((file) => {
  const text = readSource(file);
  return text.length > mostBytes || text.includes("\0") ? [] : findPrivateText(file, text);
});
reportFindings("committed files", findings);
