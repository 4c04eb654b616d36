import type { WorkflowProblem } from "@muster/workflow";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../cli-error.ts";
import { readTextFile } from "../read-json.ts";
import { printable } from "../render/printable.ts";

export interface CheckedFile {
  file: string;
  valid: boolean;
  /** Name of the workflow, where it could be read. */
  workflow: string | null;
  problems: WorkflowProblem[];
}

/** Checks files one by one and tells what it finds on standard error; one that cannot be read is a mistake too. */
export async function checkWorkflows(
  context: CliContext,
  files: readonly string[],
): Promise<{ results: CheckedFile[]; exitCode: number }> {
  const { formatProblem } = await context.workflowLanguage();
  const { stderr } = context;
  const results: CheckedFile[] = [];
  for (const file of files) {
    const result = await checkFile(context, file);
    results.push(result);
    for (const problem of result.problems) stderr.write(`${printable(formatProblem(problem, file))}\n`);
    if (result.valid)
      stderr.write(`${stderr.colors.green("✔")} ${file}: ${printable(result.workflow ?? "")}\n`);
  }
  const wrong = results.filter((result) => !result.valid).length;
  if (wrong > 0)
    stderr.write(`${stderr.colors.red("error:")} ${wrong} of ${results.length} files have mistakes\n`);
  return { results, exitCode: wrong > 0 ? exitCodes.misused : exitCodes.ok };
}

async function checkFile(context: CliContext, file: string): Promise<CheckedFile> {
  const { parseWorkflow } = await context.workflowLanguage();
  let text: string;
  try {
    text = readTextFile(context, file);
  } catch (error) {
    const blank = { hint: undefined, path: "", line: undefined, column: undefined };
    return {
      file,
      valid: false,
      workflow: null,
      problems: [{ ...blank, message: (error as Error).message }],
    };
  }
  const { workflow, problems } = parseWorkflow(text);
  const valid = workflow !== undefined && problems.length === 0;
  return { file, valid, workflow: workflow?.name ?? null, problems: [...problems] };
}
