import type { CliContext } from "./cli-context.ts";

/** Bytes of an answer; whoever sends more has not answered. */
const mostBytes = 1_024;

/** Asks at the terminal. Only a `y` or `yes` is yes; an empty line and the end of the input are no. */
export async function askYes(context: CliContext, question: string): Promise<boolean> {
  context.stderr.write(`${question} [y/N] `);
  const decoder = new TextDecoder();
  let line = "";
  for await (const chunk of context.stdin()) {
    line += decoder.decode(chunk, { stream: true });
    if (line.includes("\n") || line.length > mostBytes) break;
  }
  return /^\s*y(es)?\s*$/i.test(line.split("\n", 1)[0] ?? "");
}
