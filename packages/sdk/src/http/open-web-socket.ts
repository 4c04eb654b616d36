import type { ClientRequest, IncomingMessage } from "node:http";
import WebSocket from "ws";
import { limits } from "../protocol/index.ts";
import { errorOfResponse } from "./problem-of.ts";
import { toWebSocketUrl, unreachable } from "./server-url.ts";

export interface OpenWebSocketOptions {
  serverUrl: string;
  /** With its query. */
  path: string;
  apiKey: string;
  /** Every text frame from the server. */
  onText: (text: string) => void;
  /** Once, when an open connection is gone. */
  onClose: (reason: string) => void;
}

const openMs = 15_000;
/** The server pings every 15 s; one that is silent for longer than this is gone, whatever TCP says. */
const silenceMs = 40_000;
/** An assignment carries an input and a whole journal; more than this is not taken in one frame. */
const frameBytes = 25 * limits.payloadBytes;
const farewellMs = 1_000;
const refusalBytes = 64 * 1024;

/**
 * Opens a WebSocket and watches over it: resolves when it is open, rejects with a `MusterError` when the server
 * refuses the upgrade (its problem document) or cannot be reached, and closes a connection that fell silent.
 */
export const openWebSocket = (options: OpenWebSocketOptions): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(toWebSocketUrl(options.serverUrl, options.path), {
      headers: { authorization: `Bearer ${options.apiKey}` },
      handshakeTimeout: openMs,
      maxPayload: frameBytes,
      perMessageDeflate: false,
    });
    let failure = "the connection was closed";
    const watch = watchSilence(socket, () => {
      failure = `nothing was heard for ${silenceMs} ms`;
      socket.terminate();
    });
    let isOpen = false;
    socket.on("open", () => {
      isOpen = true;
      resolve(socket);
    });
    socket.on("message", (data, isBinary) => {
      watch.heard();
      if (!isBinary) options.onText(data.toString());
    });
    socket.on("ping", watch.heard);
    socket.on("unexpected-response", (request, response) => {
      readRefusal(request, response, (status, body) => {
        reject(errorOfResponse(options.serverUrl, status, body));
        socket.terminate();
      });
    });
    socket.on("error", (error) => {
      failure = error.message;
      reject(unreachable(options.serverUrl, error));
    });
    socket.on("close", (code, reason) => {
      watch.stop();
      const text = reason.length > 0 ? `${code} ${reason}` : failure;
      if (isOpen) options.onClose(text);
      else reject(unreachable(options.serverUrl, text));
    });
  });

/** Says goodbye, and hangs up if the server does not answer it soon. */
export const closeWebSocket = (socket: WebSocket): void => {
  if (socket.isPaused) socket.resume();
  socket.close(1000);
  const timer = setTimeout(() => socket.terminate(), farewellMs);
  socket.once("close", () => clearTimeout(timer));
};

/** Not on the injected clock: it guards a real socket, and resetting one timer costs nothing. */
const watchSilence = (socket: WebSocket, onSilence: () => void) => {
  const timer = setTimeout(() => {
    // A reader that paused the socket hears nothing by its own wish.
    if (socket.isPaused) timer.refresh();
    else onSilence();
  }, silenceMs);
  timer.unref();
  return { heard: () => void timer.refresh(), stop: () => clearTimeout(timer) };
};

const readRefusal = (
  request: ClientRequest,
  response: IncomingMessage,
  done: (status: number, body: string) => void,
): void => {
  let body = "";
  const finish = () => {
    done(response.statusCode ?? 0, body);
    request.destroy();
  };
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    body += chunk;
    if (body.length > refusalBytes) finish();
  });
  response.on("end", finish);
  response.on("error", finish);
};
