import type { Event } from "@muster/sdk/protocol";
import type { FastifyBaseLogger } from "fastify";
import type { WebSocket } from "ws";
import type { EventFilter, EventService, Principal } from "../core/orchestrator.ts";
import { closeCodes, closeSocket } from "./keep-alive.ts";

export interface SendBounds {
  /** Beyond this many bytes on their way, the next event waits. */
  bufferedBytes: number;
  /** A reader that takes nothing for this long is closed, and goes on with `after` when it is ready. */
  stallMs: number;
}

export const defaultSendBounds: SendBounds = { bufferedBytes: 1024 * 1024, stallMs: 20_000 };

export interface EventStreamRequest {
  events: EventService;
  principal: Principal;
  filter: EventFilter;
  /** Undefined: only what happens from now on. */
  after: number | undefined;
  bounds: SendBounds;
  log: FastifyBaseLogger;
}

/** Sends events, one a frame, until either side ends it. The subscription waits for a reader that is slow. */
export async function streamEvents(socket: WebSocket, request: EventStreamRequest): Promise<void> {
  const { events, principal, filter, bounds, log } = request;
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("message", () => closeSocket(socket, closeCodes.policy, "This stream takes no messages."));
  try {
    const after = request.after ?? (await events.latest());
    if (socket.readyState !== socket.OPEN) return;
    const subscription = events.subscribe(after, filter, principal, (event) =>
      sendEvent(socket, event, bounds),
    );
    await ended;
    await subscription.end();
  } catch (error) {
    log.error({ err: error }, "an event stream failed");
    closeSocket(socket, closeCodes.internal, "The stream failed. Connect again with after=<last seq>.");
  }
}

function sendEvent(socket: WebSocket, event: Event, bounds: SendBounds): Promise<void> | undefined {
  if (socket.readyState !== socket.OPEN) return undefined;
  if (socket.bufferedAmount <= bounds.bufferedBytes) {
    socket.send(JSON.stringify(event), ignoreSendError);
    return undefined;
  }
  return new Promise((resolve) => {
    const stalled = setTimeout(() => {
      closeSocket(socket, closeCodes.tryAgainLater, "You read too slowly. Go on with after=<last seq>.");
    }, bounds.stallMs);
    socket.send(JSON.stringify(event), () => {
      clearTimeout(stalled);
      resolve();
    });
  });
}

/** A send fails when the connection just broke; its `close` event ends everything. */
const ignoreSendError = (): void => {};
