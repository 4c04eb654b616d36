import type { Priority, ScheduleRequest } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { repeatable } from "../define-command.ts";

/** What a schedule or a trigger starts. */
export interface WorkOptions {
  workflow?: string;
  input?: string[];
  inputsFile?: string;
  capability?: string;
  agent?: string;
  priority?: Priority;
}

/** The options that say what is started. */
export function withWork(command: Command): Command {
  return command
    .addOption(
      new Option("--workflow <file>", "the workflow to run").conflicts(["capability", "agent", "priority"]),
    )
    .addOption(repeatable("--input <input>", "of a workflow name=value, may be repeated; of a task JSON"))
    .option("--inputs-file <file>", "the inputs or the input as a JSON file, - for standard input")
    .option("--capability <name>", "of a task: what has to be done")
    .option("--agent <agent>", "of a task: the one agent that shall do it")
    .addOption(
      new Option("--priority <priority>", "of a task: how urgent it is").choices([
        "critical",
        "high",
        "medium",
        "low",
        "background",
      ]),
    );
}

/** The work that is meant, checked as far as it is known here. `later`: the input that is filled when it starts. */
export async function workOf(
  context: CliContext,
  whose: string,
  options: WorkOptions,
  later?: string,
): Promise<Pick<ScheduleRequest, "task" | "run">> {
  const { workflow: file, input = [], inputsFile, capability, agent, priority } = options;
  if (file === undefined && capability === undefined && agent === undefined) {
    throw new CliError(`what? ${whose} needs --workflow, --capability or --agent`);
  }
  if (file !== undefined) {
    const { loadInputs, loadWorkflow } = await import("../run/load-workflow.ts");
    const { resolvePaths } = await import("../run/resolve-paths.ts");
    const { workflow, document } = await loadWorkflow(context, file);
    const inputs = await loadInputs(context, workflow, { pairs: input, file: inputsFile, later }, file);
    return { run: { workflow: document, inputs: resolvePaths(workflow, inputs, context.cwd) } };
  }
  const { parseJson, readJsonText } = await import("../read-json.ts");
  if (input.length + (inputsFile === undefined ? 0 : 1) > 1) throw new CliError("a task has one input");
  const given =
    inputsFile === undefined
      ? input.map((text) => parseJson(text, "--input"))
      : [await readJsonText(context, inputsFile)];
  const task = { capability, agent, priority, input: given[0] };
  return { task: Object.fromEntries(Object.entries(task).filter(([, value]) => value !== undefined)) };
}
