import type WebSocket from "ws";
import { encodeBody } from "../http/http-caller.ts";
import { errorOfProblem, parseJson } from "../http/problem-of.ts";
import { unreachable } from "../http/server-url.ts";
import { limits, type Message, type MusterError } from "../protocol/index.ts";
import type { Clock, Timer } from "../time/clock.ts";

interface FrameExchangeOptions {
  serverUrl: string;
  clock: Clock;
  onMessage: (message: Message) => void;
}

interface PendingRequest {
  resolve: (result: unknown) => void;
  reject: (error: MusterError) => void;
  /** Then it is taken for lost. */
  dueAt: number;
}

export interface FrameExchange {
  attach(socket: WebSocket): void;
  /** One request frame, and the answer to it. */
  send(operation: string, body: unknown): Promise<unknown>;
  receive(text: string): void;
  /** The connection is gone: everything under way rejects. */
  fail(error: MusterError): void;
}

/** Longer than any operation may take by its own wish. */
const answerMs = limits.longPollMs + 15_000;
/** How often overdue requests are looked for, by one timer for all. */
const sweepMs = 5_000;
/** Bytes that wait to be sent before more is refused: the server does not keep up. */
const mostBuffered = 16 * limits.bodyBytes;

/** Numbered requests and their answers over the frames of one WebSocket, with messages in between. */
export const createFrameExchange = ({ serverUrl, clock, onMessage }: FrameExchangeOptions): FrameExchange => {
  /** In the order of sending, so the first one is due first. */
  const pending = new Map<number, PendingRequest>();
  let socket: WebSocket | undefined;
  let lastId = 0;
  let sweeper: Timer | undefined;
  let failure: MusterError | undefined;

  const sweep = () => {
    sweeper = undefined;
    const now = clock.now();
    for (const [id, request] of pending) {
      if (request.dueAt > now) break;
      pending.delete(id);
      request.reject(unreachable(serverUrl, `no answer within ${answerMs} ms`));
    }
    if (pending.size > 0) sweeper = clock.setTimer(sweepMs, sweep);
  };

  const send = (operation: string, body: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined || socket === undefined) {
        return reject(failure ?? unreachable(serverUrl, "the connection is not open"));
      }
      if (socket.bufferedAmount > mostBuffered) {
        return reject(unreachable(serverUrl, `${socket.bufferedAmount} bytes wait to be sent`));
      }
      const id = ++lastId;
      const text = encodeBody({ id, operation, body });
      pending.set(id, { resolve, reject, dueAt: clock.now() + answerMs });
      sweeper ??= clock.setTimer(sweepMs, sweep);
      socket.send(text);
    });

  const receive = (text: string): void => {
    const frame = parseJson(text) as
      | { id?: number; result?: unknown; problem?: unknown; message?: Message }
      | undefined;
    if (typeof frame !== "object" || frame === null) return;
    if (frame.message !== undefined) {
      onMessage(frame.message);
      return;
    }
    const request = frame.id === undefined ? undefined : pending.get(frame.id);
    if (request === undefined) return;
    pending.delete(frame.id!);
    if (frame.problem === undefined) request.resolve(frame.result);
    else request.reject(errorOfProblem(frame.problem));
  };

  return {
    attach: (opened) => {
      socket = opened;
    },
    send,
    receive,
    fail: (error) => {
      failure = error;
      sweeper?.cancel();
      for (const request of pending.values()) request.reject(error);
      pending.clear();
    },
  };
};
