import type { InboxOutcome } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "./cli-context.ts";
import type { ConnectOptions } from "./connect/connect.ts";
import { withJson, withServer } from "./define-command.ts";
import { printJson } from "./print-json.ts";

export type InboxOptions = ConnectOptions & { json?: boolean; as?: string };

export const withPerson = (command: Command): Command =>
  withServer(withJson(command)).option("--as <person>", "in whose name (with an admin's key)");

/** The person in whose name, where one is named. */
export const asOf = ({ as }: InboxOptions): { as?: string } => (as === undefined ? {} : { as });

/** Says what became of an item; the exit code is 0: what was asked for is done. */
export function tellOutcome(
  context: CliContext,
  options: InboxOptions,
  outcome: InboxOutcome,
  done: string,
): undefined {
  if (options.json) printJson(context, outcome);
  else context.stdout.write(`${done} by ${outcome.by}: task ${outcome.taskId} is ${outcome.status}\n`);
  return undefined;
}
