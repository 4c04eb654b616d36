import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { act, defineCommand, defineGroup, withJson } from "../define-command.ts";
import { printJson } from "../print-json.ts";

export function addWorkflowCommand(program: Command, context: CliContext): void {
  const workflow = defineGroup(program, "workflow", "check workflow files");
  const command = defineCommand(workflow, "check <file...>", {
    summary: "check workflow files without running them",
    description:
      "Checks workflow files and prints every mistake with file, line and column; exit code 2 for any.",
    examples: [
      ["muster workflow check examples/*.yaml", "in CI, before they are merged"],
      ["muster workflow check flow.yaml --json", "the mistakes for an editor"],
    ],
  });
  act<{ json?: boolean }>(withJson(command), context, async (files, options) => {
    const { checkWorkflows } = await import("../run/check-workflows.ts");
    const checked = await checkWorkflows(context, files);
    if (options.json) printJson(context, checked.results);
    return checked.exitCode;
  });
}
