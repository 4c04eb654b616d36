import type { TextDelta } from "@muster/sdk/protocol";
import type { FastifyBaseLogger } from "fastify";
import type { WebSocket } from "ws";
import type { Principal, StreamService, Watched } from "../core/orchestrator.ts";
import { closeCodes, closeSocket } from "./keep-alive.ts";

export interface TextStreamRequest {
  streams: StreamService;
  principal: Principal;
  watched: Watched;
  /** Beyond this many bytes on their way, what comes is left out. */
  bufferedBytes: number;
  log: FastifyBaseLogger;
}

/**
 * Sends what agents say, one piece a frame, until either side ends it. A reader that is slow misses pieces, and the next one
 * that it gets says how much.
 */
export async function streamText(socket: WebSocket, request: TextStreamRequest): Promise<void> {
  const { streams, watched, principal, bufferedBytes, log } = request;
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("message", () => closeSocket(socket, closeCodes.policy, "This stream takes no messages."));
  /** Characters, by task. */
  const missed = new Map<string, number>();

  function send(delta: TextDelta): void {
    if (socket.readyState !== socket.OPEN) return;
    const before = delta.missed + (missed.get(delta.taskId) ?? 0);
    if (socket.bufferedAmount > bufferedBytes) {
      if (missed.size < mostTasks || missed.has(delta.taskId))
        missed.set(delta.taskId, before + delta.text.length);
      return;
    }
    missed.delete(delta.taskId);
    socket.send(JSON.stringify({ ...delta, missed: before }), () => {}); // a broken connection shows in its `close`
  }

  try {
    const subscription = await streams.watch(watched, principal, send);
    await ended;
    await subscription.end();
  } catch (error) {
    log.warn({ err: error }, "a text stream failed");
    closeSocket(socket, closeCodes.tryAgainLater, "The stream failed. Connect again.");
  }
}

/** Of a run with more than so many tasks at once, some gaps go unsaid. */
const mostTasks = 1_000;
