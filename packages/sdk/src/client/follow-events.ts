import type WebSocket from "ws";
import { queryText } from "../http/http-caller.ts";
import { closeWebSocket, openWebSocket } from "../http/open-web-socket.ts";
import { parseJson } from "../http/problem-of.ts";
import { type Servers, withEach } from "../http/servers.ts";
import { type Event, MusterError } from "../protocol/index.ts";
import { backoffMs } from "../time/backoff.ts";
import { type Clock, sleep } from "../time/clock.ts";
import type { Random } from "../time/random.ts";
import type { EventClient } from "./client.ts";

interface FollowDependencies {
  servers: Servers;
  apiKey: string;
  /** Number of the newest event. */
  latest: () => Promise<number>;
  clock: Clock;
  random: Random;
}

type Filter = NonNullable<Parameters<EventClient["follow"]>[0]>;

/** Events that wait for a slow reader before the socket is paused. */
const mostBuffered = 1_000;
const reconnectDelay = { firstMs: 100, maxMs: 5_000 };

/**
 * A stream of events that survives its connection: it remembers the number of the last event it gave out and
 * goes on behind it, so there is neither a gap nor a repeat.
 */
export const createFollow = (dependencies: FollowDependencies): EventClient["follow"] =>
  async function* follow({ after, signal, ...filter }: Filter = {}) {
    const { clock, random, latest, servers, apiKey } = dependencies;
    let failures = 0;
    let last: number | undefined = after;
    while (!signal?.aborted) {
      let connection: Connection | undefined;
      try {
        // Without a number to begin at, "only new" must mean one moment, the same over all reconnects.
        last ??= await latest();
        const from = last;
        connection = await withEach(servers, (url) => connect(url, apiKey, { ...filter, after: from }));
        for await (const event of connection.events(signal)) {
          failures = 0;
          if (event.seq <= last) continue;
          last = event.seq;
          yield event;
        }
      } catch (error) {
        if (!(error instanceof MusterError && error.retryable)) throw error;
      } finally {
        connection?.close();
      }
      failures++;
      await sleep(clock, backoffMs(failures, reconnectDelay, random), signal).catch(() => undefined);
    }
  };

interface Connection {
  /** Ends when the connection does, or when the signal is aborted. */
  events(signal: AbortSignal | undefined): AsyncIterable<Event>;
  close(): void;
}

const connect = async (
  serverUrl: string,
  apiKey: string,
  filter: { after: number; taskId?: string; runId?: string; types?: readonly string[]; project?: string },
): Promise<Connection> => {
  const buffer: Event[] = [];
  let closed = false;
  let fault: MusterError | undefined;
  let wake = () => {};
  let socket: WebSocket | undefined;
  socket = await openWebSocket({
    serverUrl,
    path: `/v1/events/stream${queryText(filter)}`,
    apiKey,
    onText: (text) => {
      const event = readEvent(text);
      if (event === undefined)
        fault = new MusterError("internal", "The event stream sent a frame that is no event.");
      else buffer.push(event);
      if (buffer.length >= mostBuffered) socket?.pause();
      wake();
    },
    onClose: () => {
      closed = true;
      wake();
    },
  });
  const next = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return {
    async *events(signal) {
      const onAbort = () => wake();
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        while (!signal?.aborted) {
          const event = buffer.shift();
          if (event !== undefined) yield event;
          else if (fault !== undefined) throw fault;
          else if (closed) return;
          else {
            if (socket.isPaused) socket.resume();
            await next();
          }
        }
      } finally {
        signal?.removeEventListener("abort", onAbort);
      }
    },
    close: () => closeWebSocket(socket),
  };
};

const readEvent = (text: string): Event | undefined => {
  const event = parseJson(text);
  const isEvent =
    typeof event === "object" && event !== null && "seq" in event && typeof event.seq === "number";
  return isEvent ? (event as Event) : undefined;
};
