import { printable } from "../render/printable.ts";
import type { RunWatch } from "./follow-run.ts";
import type { RunProgress } from "./run-progress.ts";

/** Nothing at work and nothing new for this long: then it is worth asking what the run waits for. */
const quietMs = 3_000;
/** So many reasons are told, each once. */
const mostReasons = 20;

/**
 * Tells what a run waits for when nothing moves: a capability that nobody offers would otherwise look like
 * patience. It goes on looking, since an agent may join at any time. Never rejects.
 */
export async function watchStalls(
  { context, client, reporter }: RunWatch,
  progress: RunProgress,
  signal: AbortSignal,
): Promise<void> {
  const told = new Set<string>();
  let seen = -1;
  while (!signal.aborted && progress.status === "running") {
    const quiet = progress.lastSeq === seen && progress.running.size === 0 && progress.retrying.size === 0;
    seen = progress.lastSeq;
    if (quiet && told.size < mostReasons) {
      const deadlocks = await client.tasks.deadlocks().catch(() => []);
      for (const { reason, taskIds } of deadlocks) {
        const ours = taskIds.some((id) => progress.stepOfTask.has(id));
        if (!ours || told.has(reason) || signal.aborted) continue;
        told.add(reason);
        reporter.print(`${context.stderr.colors.yellow("waiting:")} ${printable(reason)}`);
      }
    }
    await context.sleep(quietMs, signal);
  }
}
