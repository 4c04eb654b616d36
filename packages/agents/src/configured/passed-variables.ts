import type { Environment } from "./fill-variables.ts";

/** Variables that a program gets without being asked for: where programs and files are, and how text is written. */
const alwaysPassed = ["PATH", "HOME", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL", "TZ", "SystemRoot"];

/** What a program gets of the environment: those, and what it was said to get. */
export function passedVariables(env: Environment, names: readonly string[]): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of [...alwaysPassed, ...names]) {
    const value = env[name];
    if (value !== undefined) passed[name] = value;
  }
  return passed;
}
