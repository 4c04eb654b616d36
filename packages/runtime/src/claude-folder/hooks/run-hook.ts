import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Shell, ShellExit } from "../../tools/shell/shell.ts";
import type { JudgedHook } from "./hook-approvals.ts";

/** What a hook may print before it is ended. */
const outputBytes = 1024 * 1024;

export interface HookRun {
  /** What agents' commands may change. */
  workspace: string;
  /** Where the hook starts and what it knows as `CLAUDE_PROJECT_DIR`. */
  project: string;
  /** What it reads on its standard input. */
  input: unknown;
  signal: AbortSignal;
}

/**
 * Runs an approved hook in the shell of the agents' commands. The files that were compared with the approval are shown to
 * it from a copy, so that it can't be another file that runs. Rejects with the reason of an abort.
 */
export async function runHook(
  shell: Shell,
  { hook, files }: Pick<JudgedHook, "hook" | "files">,
  { workspace, project, input, signal }: HookRun,
): Promise<ShellExit> {
  const copies = await mkdtemp(join(tmpdir(), "muster-hook-"));
  try {
    const shownFiles = await Promise.all(
      files.map(async ({ bytes, mode, real }, at) => {
        const file = join(copies, `${at}`);
        await writeFile(file, bytes, { mode: mode & 0o555 });
        return { file, at: real };
      }),
    );
    return await shell.run({
      command: hook.command,
      workspace,
      folder: project,
      timeoutMs: hook.timeoutMs,
      signal,
      input: JSON.stringify(input),
      variables: { CLAUDE_PROJECT_DIR: project },
      streamsApart: true,
      shownFiles,
      outputBytes,
    });
  } finally {
    await rm(copies, { recursive: true, force: true });
  }
}
