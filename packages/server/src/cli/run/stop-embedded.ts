import type { CliContext } from "../cli-context.ts";

type Muster = Awaited<ReturnType<CliContext["startMuster"]>>;

const lookAgainMs = 500;

/**
 * Stops the orchestrator of a run. Another `muster run` in the same folder may have joined it meanwhile: it
 * stays for the runs that began since it was started, until they have ended or a signal comes.
 */
export async function stopEmbedded(
  context: CliContext,
  muster: Muster,
  startedAtMs: number,
  say: (sentence: string) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    let told = false;
    while (!signal.aborted && (await countJoined(muster, startedAtMs)) > 0) {
      if (!told) say("staying for another run that uses this orchestrator (Ctrl-C leaves now)…");
      told = true;
      await context.sleep(lookAgainMs, signal);
    }
  } finally {
    await muster.stop();
  }
}

async function countJoined(muster: Muster, startedAtMs: number): Promise<number> {
  // A listing that fails is no reason to stay.
  const { items } = await muster.client.runs
    .list({ status: "running", limit: 100 })
    .catch(() => ({ items: [] }));
  return items.filter((run) => Date.parse(run.createdAt) >= startedAtMs).length;
}
