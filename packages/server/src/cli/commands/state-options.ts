import type { ProjectState } from "@muster/sdk";
import type { StateConflict, StateWritten } from "@muster/sdk/protocol";
import type { Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { wholeNumber, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { cutText } from "../render/fit-line.ts";
import { printable } from "../render/printable.ts";

export interface StateOptions extends ConnectOptions {
  json?: boolean;
  project?: string;
}

/** Characters of one side of a conflict; `muster state get` prints all of it. */
const mostShown = 2_000;

export const projectOf = ({ project = "default" }: StateOptions): string => project;

/** The options of every command on state. */
export const withState = (command: Command): Command =>
  withServer(withJson(command)).option("--project <name>", "the project of the documents (default: default)");

export const versionOption = (flags: string, description: string): Option =>
  wholeNumber(flags, description, 1, Number.MAX_SAFE_INTEGER);

/** Does `work` on the project that is meant. */
export const onProject = (
  context: CliContext,
  options: StateOptions,
  work: (project: ProjectState) => Promise<void>,
): Promise<number | undefined> =>
  withConnection(connect(context, options), async (client) => {
    try {
      await work(client.state.project(projectOf(options)));
    } catch (error) {
      const { details } = error as { details?: Partial<StateConflict> };
      if (details !== undefined) tellSides(context, details);
      throw error;
    }
    return undefined;
  });

/** The sides of a conflict, one per line, above the error. */
function tellSides(context: CliContext, details: Partial<StateConflict>): void {
  const { base, yours, theirs, version } = details;
  const side = (name: string, content: unknown) => {
    if (content === undefined) return;
    context.stderr.write(`${name}: ${cutText(printable(JSON.stringify(content)), mostShown)}\n`);
  };
  side(`base (version ${base?.version})`, base?.content);
  side("yours", yours);
  side(`theirs (version ${version})`, theirs);
}

/** Says what a write did. */
export function tellWritten(context: CliContext, { json }: StateOptions, written: StateWritten): void {
  if (json) printJson(context, written);
  else {
    const { path, version, deleted, merged } = written;
    const how = merged ? ", merged with what others wrote" : "";
    context.stdout.write(
      deleted ? `deleted ${path} (version ${version})\n` : `${path} is version ${version} now${how}\n`,
    );
  }
}
