import { setTimeout as pause } from "node:timers/promises";
import type { StreamResponse } from "@a2a-js/sdk";
import type { Client } from "@a2a-js/sdk/client";
import { WorkError } from "../work-error.ts";
import { asRemoteError, reasonOf } from "./remote-error.ts";
import { afterEvent, isStill, type Snapshot, snapshotOf } from "./snapshot.ts";

export interface Following {
  client: Client;
  signal: AbortSignal;
  /** Told of each new snapshot. */
  onSeen: (seen: Snapshot) => Promise<void> | void;
}

/** Between two looks at a remote task: the first pause, and the longest. */
const pollMs = { first: 250, most: 5_000 };
/** Looks in a row that may fail before the attempt does. */
const mostFailures = 5;
/** Events of one stream that are read; then it is looked at the task instead. */
const mostEvents = 20_000;

/** Reads a stream of events for as long as it tells anything new. How it ended is not said: whoever needs to know looks. */
export async function readEvents(
  events: AsyncIterable<StreamResponse>,
  seen: Snapshot,
  { onSeen }: Following,
): Promise<Snapshot> {
  let now = seen;
  let count = 0;
  try {
    for await (const event of events) {
      now = afterEvent(now, event);
      await onSeen(now);
      if (isStill(now) || ++count >= mostEvents) break;
    }
  } catch (error) {
    // A stream that broke is no answer; one that was too much is. The rest is learned by looking.
    if (now.id === undefined || isOutOfBounds(error)) throw asRemoteError(error);
  }
  return now;
}

const isOutOfBounds = (error: unknown): boolean =>
  error instanceof WorkError && error.code === "output_too_large";

/** Looks at a remote task until it ended or waits for somebody. */
export async function untilStill(seen: Snapshot, following: Following): Promise<Snapshot> {
  const { client, signal, onSeen } = following;
  let now = seen;
  let failures = 0;
  for (let waitMs = pollMs.first; !isStill(now); waitMs = Math.min(waitMs * 1.5, pollMs.most)) {
    await pause(waitMs, undefined, { signal });
    try {
      now = await look(now.id?.taskId ?? "", client, signal);
      failures = 0;
      await onSeen(now);
    } catch (error) {
      signal.throwIfAborted();
      const failure = asRemoteError(error);
      const passes = failure instanceof WorkError && failure.retryable === true;
      if (!passes || ++failures >= mostFailures) throw failure;
      if (failure.retryAfterMs !== undefined) await pause(failure.retryAfterMs, undefined, { signal });
    }
  }
  return now;
}

export async function look(taskId: string, client: Client, signal: AbortSignal): Promise<Snapshot> {
  try {
    return snapshotOf(await client.getTask({ tenant: "", id: taskId, historyLength: 0 }, { signal }));
  } catch (error) {
    signal.throwIfAborted();
    if (reasonOf(error) === "TASK_NOT_FOUND") {
      throw new WorkError("remote_lost", `The remote agent does not know its task ${taskId} any more.`);
    }
    throw asRemoteError(error);
  }
}
