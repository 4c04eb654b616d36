import type { Workflow, WorkflowProblem } from "@muster/workflow";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { readJsonText, readTextFile } from "../read-json.ts";
import { printable } from "../render/printable.ts";

type WorkflowLanguage = Awaited<ReturnType<CliContext["workflowLanguage"]>>;

export interface LoadedWorkflow {
  workflow: Workflow;
  /** The file's content as data, as a run is started with it. */
  document: unknown;
}

/** Reads and checks a workflow file; every mistake in it is printed before the error is thrown. */
export async function loadWorkflow(context: CliContext, file: string): Promise<LoadedWorkflow> {
  const text = readTextFile(context, file);
  const language = await context.workflowLanguage();
  const { workflow, document, problems } = language.parseWorkflow(text);
  if (workflow === undefined || problems.length > 0) refuse(context, language, problems, file, file);
  return { workflow, document };
}

export interface GivenInputs {
  /** `name=value` as typed. */
  pairs: readonly string[];
  /** A JSON file, or `-` for standard input. */
  file: string | undefined;
  /** An input that is filled when the run starts: all are checked then, and not now. */
  later?: string | undefined;
}

/** The inputs of a run from the command line, with defaults and checked against the workflow's schema. */
export async function loadInputs(
  context: CliContext,
  workflow: Workflow,
  given: GivenInputs,
  file: string,
): Promise<Record<string, unknown>> {
  const language = await context.workflowLanguage();
  const inputs = given.file === undefined ? {} : await readInputsFile(context, given.file);
  const problems: WorkflowProblem[] = [];
  for (const pair of given.pairs) {
    const at = pair.indexOf("=");
    if (at < 1)
      throw new CliError(`--input wants name=value, not ${pair}`, { hint: "For example --input path=." });
    const name = pair.slice(0, at);
    const { value, problem } = language.coerceInput(workflow, name, pair.slice(at + 1));
    if (problem) problems.push(problem);
    else inputs[name] = value;
  }
  if (problems.length > 0) refuse(context, language, problems, file, "the inputs");
  if (given.later !== undefined) return inputs;
  const checked = language.checkInputs(workflow, inputs);
  if (checked.problems.length > 0) refuse(context, language, checked.problems, file, "the inputs");
  return checked.inputs;
}

async function readInputsFile(context: CliContext, file: string): Promise<Record<string, unknown>> {
  const value = await readJsonText(context, file);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CliError(
      `${file === "-" ? "standard input" : file} must hold a JSON object with one member per input`,
    );
  }
  return value as Record<string, unknown>;
}

function refuse(
  context: CliContext,
  language: WorkflowLanguage,
  problems: readonly WorkflowProblem[],
  file: string,
  what: string,
): never {
  for (const problem of problems) {
    context.stderr.write(`${printable(language.formatProblem(problem, file))}\n`);
  }
  const count = problems.length === 1 ? "1 mistake" : `${problems.length} mistakes`;
  throw new CliError(`${count} in ${what}; nothing was started`);
}
