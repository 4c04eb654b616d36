import type { WebSocket } from "ws";

export interface KeepAliveTimes {
  /** How often the server asks whether the peer is there. */
  pingMs: number;
  /** A peer that was silent for this long is dropped. */
  silenceMs: number;
}

export const defaultKeepAlive: KeepAliveTimes = { pingMs: 15_000, silenceMs: 40_000 };

/** A key is looked up again once in this many pings. */
const pingsPerKeyCheck = 4;

/** Close codes of RFC 6455 that this API uses. */
export const closeCodes = {
  unsupportedData: 1003,
  invalidData: 1007,
  policy: 1008,
  internal: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
} as const;

/** Closes with a code and a reason that fits into the frame. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  let text = reason;
  while (Buffer.byteLength(text) > 120) text = text.slice(0, -1);
  socket.close(code, text);
}

/**
 * Finds out that a peer is gone although its connection looks open, and ends connections whose key was
 * revoked meanwhile.
 */
export function keepAlive(
  socket: WebSocket,
  { pingMs, silenceMs }: KeepAliveTimes,
  stillAllowed: () => Promise<boolean>,
): void {
  let heardAt = performance.now();
  let pings = 0;
  const heard = () => {
    heardAt = performance.now();
  };
  const timer = setInterval(() => {
    if (performance.now() - heardAt > silenceMs) {
      socket.terminate();
      return;
    }
    socket.ping();
    pings++;
    if (pings % pingsPerKeyCheck === 0) void checkKey(socket, stillAllowed);
  }, pingMs);
  timer.unref();
  socket.on("pong", heard);
  socket.on("ping", heard);
  socket.on("message", heard);
  socket.once("close", () => clearInterval(timer));
}

async function checkKey(socket: WebSocket, stillAllowed: () => Promise<boolean>): Promise<void> {
  // A store that can't be asked right now is no reason to throw anybody out.
  const allowed = await stillAllowed().catch(() => true);
  if (!allowed) closeSocket(socket, closeCodes.policy, "The API key was revoked.");
}
