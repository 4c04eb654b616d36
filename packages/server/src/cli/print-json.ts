import type { CliContext } from "./cli-context.ts";

/** The one JSON document that `--json` puts on standard output. */
export function printJson(context: CliContext, value: unknown): void {
  context.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
