import { closeWebSocket, openWebSocket } from "../http/open-web-socket.ts";
import { parseJson } from "../http/problem-of.ts";
import { type Servers, withEach } from "../http/servers.ts";
import { MusterError, type TextDelta } from "../protocol/index.ts";
import { backoffMs } from "../time/backoff.ts";
import { type Clock, sleep, waitingClock } from "../time/clock.ts";
import { type Random, systemRandom } from "../time/random.ts";
import type { TaskClient } from "./client.ts";
import { createDeltaQueue } from "./delta-queue.ts";
import { pathOf } from "./path-of.ts";

interface WatchOptions {
  apiKey: string;
  clock?: Clock;
  random?: Random;
}

const reconnectDelay = { firstMs: 100, maxMs: 5_000 };

/** What agents say, live. A connection that breaks is opened again; what was said meanwhile is lost. */
export const createWatching = (
  servers: Servers,
  { apiKey, clock = waitingClock, random = systemRandom }: WatchOptions,
) => {
  async function* watch(
    what: "tasks" | "runs",
    id: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<TextDelta> {
    for (let failures = 1; !signal?.aborted; failures++) {
      const queue = createDeltaQueue();
      try {
        const socket = await withEach(servers, (serverUrl) =>
          openWebSocket({
            serverUrl,
            path: `${pathOf(what, id)}/stream`,
            apiKey,
            onText: (text) => queue.push(readDelta(text)),
            onClose: queue.end,
          }),
        );
        try {
          for await (const delta of queue.read(signal)) {
            failures = 0;
            yield delta;
          }
        } finally {
          closeWebSocket(socket);
        }
      } catch (error) {
        if (!(error instanceof MusterError && error.retryable)) throw error;
      }
      await sleep(clock, backoffMs(failures, reconnectDelay, random), signal).catch(() => undefined);
    }
  }
  return (what: "tasks" | "runs"): Pick<TaskClient, "watch"> => ({
    watch: (id, { signal } = {}) => watch(what, id, signal),
  });
};

const readDelta = (text: string): TextDelta => parseJson(text) as TextDelta;
