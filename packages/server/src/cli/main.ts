/**
 * The command line of Muster. `runCli` reads the arguments, finds the command (one file each in `commands/`)
 * and turns whatever happens into an exit code; `CliContext` is all that a command has of the outside, so
 * that each can be tested without a process. Commands speak to a server through the SDK's client; only `up`
 * and `run` load the orchestrator itself, and only when they need it, so that `muster --help` is quick.
 */
import { createProcessContext } from "./process-context.ts";
import { runCli } from "./run-cli.ts";

/** What `bin/muster.js` calls. */
export async function main(): Promise<void> {
  const context = createProcessContext();
  // Warnings are for whoever works on Muster; printed into a live view they would break it.
  if (!context.debug) process.removeAllListeners("warning");
  const exitCode = await runCli(process.argv.slice(2), context);
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // Idle keep-alive connections would hold the process for seconds.
  process.exit(exitCode);
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || !stream.writable) resolve();
    else stream.write("", () => resolve());
  });
}
