import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, findServer, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";

export function addRunRetryCommand(run: Command, context: CliContext): void {
  const command = defineCommand(run, "retry <run>", {
    summary: "run again from the steps that failed",
    description:
      "Runs again from the steps that failed or were cancelled; what completed stays. Where no server runs, it " +
      "starts an orchestrator for the time of the run and shows it until it has ended, as `muster run FILE` does.",
    examples: [
      [
        "muster run retry 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f",
        "on the running server, which goes on with it",
      ],
      ["muster run retry 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --wait", "and show it until it has ended"],
    ],
  });
  withServer(withJson(command)).option("--wait", "show it until it has ended");
  act<ConnectOptions & { json?: boolean; wait?: boolean }>(command, context, async ([id = ""], options) => {
    if (options.wait || !(await findServer(context, options))) {
      const { carryOut } = await import("../run/run-workflow.ts");
      return carryOut(context, options, (client) => client.runs.retry(id), { resumed: true });
    }
    return withConnection(connect(context, options), async (client) => {
      const retried = await client.runs.retry(id);
      if (options.json) printJson(context, retried);
      else
        context.stdout.write(`run ${retried.id} is ${retried.status} again: muster run show ${retried.id}\n`);
      return undefined;
    });
  });
}
