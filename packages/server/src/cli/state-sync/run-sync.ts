import type { ProjectState } from "@muster/sdk";
import { MusterError } from "@muster/sdk/protocol";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../cli-error.ts";
import { projectOf, type StateOptions } from "../commands/state-options.ts";
import { printable } from "../render/printable.ts";
import { watchInterrupts } from "../watch-interrupts.ts";
import { type SyncEvent, syncFolder } from "./sync-folder.ts";
import { watchFolder } from "./watch-folder.ts";

/** Changes that come together are synced together. */
const gatherMs = 200;
/** How soon a server that was away is tried again, and the longest pause. */
const retryMs = { first: 1_000, most: 30_000 };

/** One pass over both sides. Answers the exit code. */
export async function syncOnce(
  context: CliContext,
  root: string,
  remote: ProjectState,
  options: StateOptions,
): Promise<number> {
  let events = 0;
  let open = 0;
  const tell = (event: SyncEvent) => {
    events++;
    if (event.what === "problem" || event.what === "conflict") open++;
    print(context, options, event);
  };
  await syncFolder({ root, project: projectOf(options), remote, tell });
  if (events === 0 && !options.json) context.stderr.write("everything is in step\n");
  return open > 0 ? exitCodes.failed : exitCodes.ok;
}

function print(context: CliContext, { json }: StateOptions, event: SyncEvent): void {
  const { what, path, detail } = event;
  if (json) context.stdout.write(`${JSON.stringify(event)}\n`);
  else
    context.stdout.write(
      `${what} ${printable(path)}${detail === undefined ? "" : `: ${printable(detail)}`}\n`,
    );
}

/** Syncs whenever a side has news, and goes on when a server that was away is back. */
export async function keepSyncing(
  context: CliContext,
  root: string,
  remote: ProjectState,
  options: StateOptions,
): Promise<number> {
  const interrupts = watchInterrupts(context);
  const signal = AbortSignal.any([interrupts.signal, context.stdout.closed]);
  let wake = () => {};
  let news = true;
  const onNews = () => {
    news = true;
    wake();
  };
  signal.addEventListener("abort", onNews, { once: true });
  const stopWatching = await watchFolder(root, onNews);
  const following = follow(remote, signal, onNews);
  const known = new Set<string>();
  let failures = 0;
  try {
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (!news) await woken;
      await context.sleep(gatherMs, signal).catch(() => undefined);
      if (signal.aborted) break;
      news = false;
      try {
        await syncFolder({ root, project: projectOf(options), remote, tell: tellOnce });
        if (failures > 0) context.stderr.write("the server is back\n");
        failures = 0;
      } catch (error) {
        if (!(error instanceof MusterError && error.retryable)) throw error;
        if (failures === 0) context.stderr.write(`${error.message} Work on; it is tried again.\n`);
        await context
          .sleep(Math.min(retryMs.first * 2 ** failures++, retryMs.most), signal)
          .catch(() => undefined);
        news = true;
      }
    }
    return exitCodes.ok;
  } finally {
    interrupts.stop();
    await stopWatching();
    await following;
  }

  /** A problem that stays is said once. */
  function tellOnce(event: SyncEvent): void {
    const key = JSON.stringify(event);
    if (event.what === "problem" && known.has(key)) return;
    if (event.what === "problem") known.add(key);
    else known.delete(key);
    print(context, options, event);
  }
}

async function follow(remote: ProjectState, signal: AbortSignal, onNews: () => void): Promise<void> {
  try {
    for await (const _ of remote.watch({ signal })) onNews();
  } catch {
    // What the server refuses is said by the next round.
    onNews();
  }
}
