import type { Client } from "@muster/sdk";
import type { Run, RunDetail } from "@muster/sdk/protocol";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { describeCancel } from "../render/describe-cancel.ts";
import { codeOf } from "../report-error.ts";
import type { Interrupts } from "../watch-interrupts.ts";
import { applyEvent, applySnapshot, type RunProgress, startProgress } from "./run-progress.ts";
import type { RunReporter } from "./run-reporter.ts";
import { watchStalls } from "./watch-stalls.ts";

/** How often counts are asked for where events cannot be had. */
const pollMs = 1_000;
/** How long the last events may take to arrive once the run has ended. */
const lastEventsMs = 1_000;
/** How long a server may be away before the command gives up watching. */
const awayMs = 60_000;
/** How long a cancelled run may take to end. */
const cancelMs = 10_000;

export interface RunWatch {
  context: CliContext;
  client: Client;
  reporter: RunReporter;
  interrupts: Interrupts;
  /** The run goes on from where it stopped. */
  resumed: boolean;
}

/**
 * Shows a run until it has ended and returns it as it ended. `after` is the number of the newest event
 * before it began. The first interrupt cancels the run.
 */
export async function followRun(watch: RunWatch, run: Run, after: number): Promise<RunDetail> {
  const { context, reporter, interrupts } = watch;
  const progress = startProgress(run, watch);
  reporter.begin(progress);
  const ended = new AbortController();
  const watching = watchEvents(watch, progress, after, ended.signal);
  void watchStalls(watch, progress, ended.signal);
  void showSpeech(watch, run.id, ended.signal);
  const cancelling = cancelOnInterrupt(watch, run.id, ended.signal);
  try {
    const first = await Promise.race([waitForEnd(watch, run.id, ended.signal), cancelling]);
    // After an interrupt the cancel has its say, even where the end of the run was seen before its answer.
    const { detail, notice } = interrupts.signal.aborted ? await cancelling : first;
    await Promise.race([watching, context.sleep(lastEventsMs, ended.signal)]);
    ended.abort();
    reporter.update(applySnapshot(progress, detail, context.now()));
    reporter.close();
    if (notice !== undefined) reporter.print(notice);
    return detail;
  } finally {
    ended.abort();
    reporter.close();
  }
}

/** A run as it ended, and what a cancel had to say. */
interface RunEnd {
  detail: RunDetail;
  notice?: string;
}

/** Shows what the agents at work say, where it can be had. Never rejects. */
async function showSpeech({ client, reporter }: RunWatch, runId: string, signal: AbortSignal): Promise<void> {
  if (reporter.speak === undefined) return;
  try {
    for await (const delta of client.runs.watch(runId, { signal })) reporter.speak(delta);
  } catch {
    // The view tells without them what happens.
  }
}

/** Takes in events until the run has ended; where they cannot be had it asks for counts. Never rejects. */
async function watchEvents(
  { context, client, reporter }: RunWatch,
  progress: RunProgress,
  after: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const event of client.events.follow({ runId: progress.runId, after, signal })) {
      if (signal.aborted) return;
      reporter.update(applyEvent(progress, event));
      if (progress.status !== "running") return;
    }
  } catch {
    // Counts tell as much as a view needs.
  }
  while (!signal.aborted) {
    const run = await client.runs.get(progress.runId).catch(() => undefined);
    if (signal.aborted) return;
    if (run) reporter.update(applySnapshot(progress, run, context.now()));
    if (progress.status !== "running") return;
    await context.sleep(pollMs, signal);
  }
}

/** Waits for the end of the run, through restarts of the server. */
async function waitForEnd(watch: RunWatch, runId: string, signal: AbortSignal): Promise<RunEnd> {
  const { context, client, reporter } = watch;
  let awaySinceMs: number | undefined;
  while (true) {
    try {
      return { detail: await client.runs.wait(runId, { signal }) };
    } catch (error) {
      if (codeOf(error) !== "unavailable" || signal.aborted) throw error;
      if (awaySinceMs === undefined) reporter.print("the server is away; trying again…");
      awaySinceMs ??= context.now();
      if (context.now() - awaySinceMs > awayMs) throw lostServer(runId, error);
      await context.sleep(pollMs, signal);
      if (await client.info().then(Boolean, () => false)) awaySinceMs = undefined;
    }
  }
}

function lostServer(runId: string, cause: unknown): CliError {
  return new CliError("the server went away while the run was under way", {
    hint: `Nothing is lost: once the server is back the run goes on, and \`muster run show ${runId}\` shows it.`,
    exitCode: exitCodes.failed,
    cause,
  });
}

/** Resolves, once an interrupt came, with the cancelled run; without an interrupt it never settles. */
function cancelOnInterrupt(watch: RunWatch, runId: string, ended: AbortSignal): Promise<RunEnd> {
  const { interrupts } = watch;
  return new Promise((resolve, reject) => {
    const cancel = () => {
      if (!ended.aborted) cancelRun(watch, runId).then(resolve, reject);
    };
    if (interrupts.signal.aborted) cancel();
    else interrupts.signal.addEventListener("abort", cancel, { once: true });
  });
}

async function cancelRun({ client, reporter }: RunWatch, runId: string): Promise<RunEnd> {
  reporter.say("cancelling the run… (Ctrl-C again leaves at once)");
  const notice = await client.runs.cancel(runId).then(
    (report) => `cancelled run ${runId}: ${describeCancel(report)}`,
    (error: unknown) => {
      if (codeOf(error) !== "not_cancellable") throw error;
      // It ended while the signal was on its way.
      return `run ${runId} had ended already`;
    },
  );
  const detail = await client.runs.wait(runId, { timeoutMs: cancelMs }).catch(() => client.runs.get(runId));
  return { detail, notice };
}
