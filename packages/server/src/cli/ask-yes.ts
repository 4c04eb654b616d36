import type { CliContext } from "./cli-context.ts";

/** Bytes of an answer; whoever sends more has not answered. */
const mostBytes = 1_024;

/** Somebody at a terminal who can be asked more than once. */
export interface Asker {
  /** Only a `y` or `yes` is yes; an empty line, the end of the input and an abort are no. */
  ask(question: string, signal?: AbortSignal): Promise<boolean>;
  /** Lets go of standard input, so that the process can end. */
  close(): Promise<void>;
}

export function createAsker(context: CliContext): Asker {
  let input: AsyncIterator<Uint8Array> | undefined;
  let rest = "";
  const decoder = new TextDecoder();

  async function readLine(source: AsyncIterator<Uint8Array>): Promise<string> {
    while (!rest.includes("\n") && rest.length <= mostBytes) {
      const { done, value } = await source.next();
      if (done === true) break;
      rest += decoder.decode(value, { stream: true });
    }
    const [line = "", ...more] = rest.split("\n");
    rest = more.join("\n");
    return line;
  }

  return {
    async ask(question, signal) {
      context.stderr.write(`${question} [y/N] `);
      input ??= context.stdin()[Symbol.asyncIterator]();
      const line = await Promise.race([readLine(input), aborted(signal)]);
      return /^\s*y(es)?\s*$/i.test(line);
    },
    async close() {
      // One that waits for a line that never comes does not end by itself.
      const end = input?.return?.();
      end?.catch(() => undefined);
      await Promise.race([end, context.sleep(closeMs)]);
    },
  };
}

const closeMs = 100;

const aborted = (signal: AbortSignal | undefined): Promise<string> =>
  new Promise((resolve) => {
    if (signal?.aborted) resolve("");
    else signal?.addEventListener("abort", () => resolve(""), { once: true });
  });

/** Asks at the terminal, once. */
export async function askYes(context: CliContext, question: string): Promise<boolean> {
  const asker = createAsker(context);
  try {
    return await asker.ask(question);
  } finally {
    await asker.close();
  }
}
