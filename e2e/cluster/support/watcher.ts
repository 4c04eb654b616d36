import type { Client, Event } from "@muster/sdk";

/** What is remembered of an event: its number, and enough to tell it from another one. */
export type SeenEvent = Pick<Event, "seq" | "type" | "taskId">;

/** Somebody who watches every event from a moment on, over whatever happens to the connection. */
export interface Watcher {
  /** In the order of arrival. */
  readonly seen: readonly SeenEvent[];
  stop(): Promise<void>;
}

export async function startWatcher(client: Client, from?: number): Promise<Watcher> {
  const seen: SeenEvent[] = [];
  const stopping = new AbortController();
  const after = from ?? (await client.info()).latestEvent;
  let failure: unknown;
  const watching = (async () => {
    for await (const { seq, type, taskId } of client.events.follow({ after, signal: stopping.signal })) {
      seen.push({ seq, type, taskId });
    }
  })().catch((error) => {
    failure = error;
  });
  return {
    seen,
    async stop() {
      stopping.abort();
      await watching;
      if (failure !== undefined) throw failure;
    },
  };
}
