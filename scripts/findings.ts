/** What every check says: a place, what is wrong there and why that matters. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Finding {
  file: string;
  line?: number;
  what: string;
  why: string;
}

/** The root of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Prints the findings and says with the exit code whether there are any. */
export function reportFindings(check: string, findings: readonly Finding[]): void {
  for (const { file, line, what, why } of findings) {
    console.error(`${line === undefined ? file : `${file}:${line}`}: ${what}\n    ${why}`);
  }
  console.log(findings.length === 0 ? `${check}: ok` : `${check}: ${findings.length} found`);
  if (findings.length > 0) process.exitCode = 1;
}
