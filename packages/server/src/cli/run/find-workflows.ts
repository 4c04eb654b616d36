import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Workflow } from "@muster/workflow";
import type { CliContext } from "../cli-context.ts";

export interface FoundWorkflow {
  /** As it is written on a command line in this folder. */
  file: string;
  workflow: Workflow;
}

/** Folders of a project whose workflow files count as registered, without those below them. */
const folders = [".", "workflows", ".muster/workflows", "examples"];
const mostFiles = 200;
const fileBytes = 256 * 1024;

/** The workflow files of the folder that the command was started in. What is none, or has mistakes, is left out. */
export async function findWorkflows(context: CliContext): Promise<FoundWorkflow[]> {
  const { parseWorkflow } = await context.workflowLanguage();
  const found: FoundWorkflow[] = [];
  for (const file of folders.flatMap((folder) => filesIn(context.cwd, folder)).slice(0, mostFiles)) {
    const text = readSmall(join(context.cwd, file));
    const workflow = text === undefined ? undefined : parseWorkflow(text).workflow;
    if (workflow !== undefined) found.push({ file, workflow });
  }
  return found;
}

function filesIn(cwd: string, folder: string): string[] {
  try {
    return readdirSync(join(cwd, folder))
      .filter((name) => /\.ya?ml$/i.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function readSmall(path: string): string | undefined {
  try {
    const about = statSync(path);
    return about.isFile() && about.size <= fileBytes ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
}
