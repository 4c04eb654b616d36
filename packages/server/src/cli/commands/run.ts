import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { type BudgetOptions, withBudget } from "../budget-options.ts";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { closestWord } from "../closest-word.ts";
import type { ConnectOptions } from "../connect/connect.ts";
import { act, defineCommand, repeatable, withJson, withServer } from "../define-command.ts";
import { type CrewOptions, withCrew } from "../run/open-crew.ts";
import { addRunCancelCommand } from "./run-cancel.ts";
import { addRunListCommand } from "./run-list.ts";
import { addRunResumeCommand } from "./run-resume.ts";
import { addRunRetryCommand } from "./run-retry.ts";
import { addRunShowCommand } from "./run-show.ts";

interface Options extends ConnectOptions, BudgetOptions, CrewOptions {
  save?: string;
  json?: boolean;
  input?: string[];
  inputsFile?: string;
}

/** `run FILE` and `run list` share the word: a first argument that names a sub-command is that sub-command. */
export function addRunCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "run", {
    summary: "run a workflow file or a goal in words; list, show, cancel, retry or resume runs",
    description:
      "Runs a workflow file and shows it until it has ended. It uses a running server, or starts an orchestrator " +
      "with the built-in agents, those of .claude and those of a file for the time of the run. The file and the inputs are checked before anything " +
      "starts. Ctrl-C cancels the run. A file that is called like a sub-command is written ./list.\n\n" +
      "Words in quotes that name no file are a goal: with a model, a planner makes a workflow of what the agents here " +
      "can do, shows it with what it may cost and take, and runs it once somebody says yes. Without a terminal and " +
      "without --yes it is printed and nothing runs (exit code 2). Without a model the nearest workflow or capability is " +
      "named, and nothing runs (exit code 2).",
    examples: [
      ["muster run examples/repo-review.yaml --input path=.", "review the repository in this folder"],
      ["muster run flow.yaml --input depth=2 --input tags='[\"a\"]' --json > run.json", "for scripts"],
      [
        "muster run flow.yaml --inputs-file inputs.json --server http://muster.example:6878",
        "on another server",
      ],
      ["muster run flow.yaml --budget money=2.50,time=10m --on-budget pause", "and no more than that"],
      ['muster run "review the code in this folder and write a report"', "plans, shows the plan, asks"],
      ['muster run "translate README.md into French" --yes --budget money=1', "plans and runs at once"],
      ['muster run "check all links" --save plan.yaml', "keeps the plan as a workflow file"],
      ["muster run list", "what ran lately"],
    ],
  });
  withCrew(withBudget(withServer(withJson(command))), "; with a goal: run its plan at once, and nothing else")
    .usage(
      '[options] <file|"goal in words"> [name=value...]\n       muster run list|show|cancel|retry|resume …',
    )
    .argument("[file]", "the workflow file, or a goal in words")
    .argument("[inputs...]", "further inputs as name=value")
    .addOption(repeatable("--input <name=value>", "an input; may be repeated"))
    .option("--inputs-file <file>", "inputs as a JSON object, - for standard input")
    .option("--save <file>", "a goal: write its plan as a workflow file")
    .helpCommand(false)
    .enablePositionalOptions();
  act<Options>(command, context, (operands, options) => runFile(context, operands, options));
  addRunListCommand(command, context);
  addRunShowCommand(command, context);
  addRunCancelCommand(command, context);
  addRunRetryCommand(command, context);
  addRunResumeCommand(command, context);
}

async function runFile(context: CliContext, operands: string[], options: Options): Promise<number> {
  const [file, ...more] = operands;
  if (file === undefined) {
    throw new CliError("which workflow file shall run?", {
      hint: "For example `muster run examples/repo-review.yaml --input path=.`",
    });
  }
  const isFile = (path: string) => existsSync(resolve(context.cwd, path));
  const { isGoal, runGoal } = await import("../run/run-goal.ts");
  const isGoalInWords = isGoal(file, isFile);
  const stray = more.find((word) => !word.includes("="));
  if (stray !== undefined) {
    throw new CliError(`one workflow file at a time; what is ${stray}?`, {
      hint: "Inputs are written name=value, and a goal in words is put in quotes.",
    });
  }
  if (isGoalInWords)
    return runGoal(context, file, { ...options, input: [...(options.input ?? []), ...more] });
  refuseGoalOptions(options);
  const { runWorkflow } = await import("../run/run-workflow.ts");
  try {
    return await runWorkflow(context, file, { ...options, input: [...(options.input ?? []), ...more] });
  } catch (error) {
    const meant = closestWord(file, ["list", "show", "cancel", "retry", "resume"]);
    const missing =
      error instanceof CliError && (error.cause as { code?: string } | undefined)?.code === "ENOENT";
    if (!missing || meant === undefined) throw error;
    throw new CliError(error.message, { hint: `did you mean \`muster run ${meant}\`?` });
  }
}

function refuseGoalOptions({ save }: Options): void {
  if (save === undefined) return;
  throw new CliError("--save is for a goal in words, and this is a file", {
    hint: 'A goal is several words in quotes: muster run "review this folder".',
  });
}
