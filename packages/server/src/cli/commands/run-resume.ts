import type { Command } from "commander";
import { type AddOptions, readAdded, withAdd } from "../budget-options.ts";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, findServer, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";

interface Options extends ConnectOptions, AddOptions {
  json?: boolean;
  wait?: boolean;
}

export function addRunResumeCommand(run: Command, context: CliContext): void {
  const command = defineCommand(run, "resume <run>", {
    summary: "raise the budget of a run, and let it go on",
    description:
      "Raises the budget of a run and lets it go on where it paused or failed because the budget was reached. What is " +
      "added has to make room. Where no server runs, it starts an orchestrator for the time of the run and shows it.",
    examples: [
      ["muster run resume 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --add money=1,time=10m", "with more to spend"],
      ["muster run resume 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --add tasks=100 --wait", "and show it"],
    ],
  });
  withAdd(withServer(withJson(command))).option("--wait", "show it until it has ended");
  act<Options>(command, context, async ([id = ""], options) => {
    const more = await readAdded(context, options);
    if (options.wait || !(await findServer(context, options))) {
      const { carryOut } = await import("../run/run-workflow.ts");
      return carryOut(context, options, (client) => client.runs.resume(id, more), { resumed: true });
    }
    return withConnection(connect(context, options), async (client) => {
      const resumed = await client.runs.resume(id, more);
      if (options.json) printJson(context, resumed);
      else context.stdout.write(`run ${resumed.id} is ${resumed.status}: muster run show ${resumed.id}\n`);
      return undefined;
    });
  });
}
