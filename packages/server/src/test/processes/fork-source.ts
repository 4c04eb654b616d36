import { type ChildProcess, fork } from "node:child_process";

/** Starts a TypeScript file of this folder as a process of its own, on the sources of all packages. */
export function forkSource(file: string, parameters: readonly string[]): ChildProcess {
  return fork(new URL(file, import.meta.url), parameters, {
    execArgv: ["--conditions=@muster/source", "--import", "tsx"],
  });
}
