import type { Client } from "@muster/sdk";
import type { TaskDetail } from "@muster/sdk/protocol";
import type { CliContext } from "./cli-context.ts";
import { exitCodes } from "./cli-error.ts";
import { printJson } from "./print-json.ts";
import { printable } from "./render/printable.ts";
import { createSpeechText } from "./render/speech-lines.ts";
import { codeOf } from "./report-error.ts";
import { watchInterrupts } from "./watch-interrupts.ts";

/**
 * Waits for the end of a task and prints its output. Completed is exit code 0, anything else 1. An interrupt
 * ends the waiting alone: the task goes on.
 */
export async function waitForTask(
  context: CliContext,
  client: Client,
  id: string,
  options: { json: boolean; follow?: boolean; timeoutMs?: number },
): Promise<number> {
  const interrupts = watchInterrupts(context);
  const { timeoutMs } = options;
  const ended = new AbortController();
  const following = options.follow === true ? showSpeech(context, client, id, ended.signal) : undefined;
  try {
    const task = await client.tasks.wait(id, {
      signal: interrupts.signal,
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    ended.abort();
    await following;
    return reportTask(context, task, options.json);
  } catch (error) {
    const exitCode = interrupts.exitCode();
    if (exitCode === undefined && codeOf(error) !== "timeout") throw error;
    const why = exitCode === undefined ? "it has not ended yet" : "no longer waiting";
    context.stderr.write(`${why}; the task goes on: muster task wait ${id}\n`);
    return exitCode ?? exitCodes.failed;
  } finally {
    ended.abort();
    interrupts.stop();
  }
}

/** Writes what the agent at work says to standard error. Where that can't be had, waiting is all there is. Never rejects. */
async function showSpeech(
  context: CliContext,
  client: Client,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const { stderr } = context;
  const textOf = createSpeechText();
  let isInLine = false;
  try {
    for await (const delta of client.tasks.watch(id, { signal })) {
      const text = textOf(delta);
      stderr.write(isInLine ? text : text.replace(/^\n/, ""));
      isInLine = true;
    }
  } catch (error) {
    stderr.write(`the words of the agent can't be shown: ${printable(String((error as Error).message))}\n`);
  }
  if (isInLine) stderr.write("\n");
}

function reportTask(context: CliContext, task: TaskDetail, json: boolean): number {
  const { colors } = context.stderr;
  const completed = task.status === "completed";
  const by = task.agent === null ? "" : ` by ${task.agent}`;
  const error = task.error === null ? "" : `: ${task.error.message}`;
  const sentence = printable(`task ${task.id} ${task.status}${by}${error}`);
  context.stderr.write(`${completed ? colors.green("✔") : colors.red("✖")} ${sentence}\n`);
  if (!completed) context.stderr.write(`  muster why ${task.id}\n`);
  if (json) printJson(context, task);
  else if (completed) printJson(context, task.output ?? null);
  return completed ? exitCodes.ok : exitCodes.failed;
}
