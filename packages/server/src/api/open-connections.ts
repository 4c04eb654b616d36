import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Which connections of a server are in use. Node itself only lets go of those on which a request has ended;
 * one that never sent any would keep a closing server waiting.
 */
export interface OpenConnections {
  /** Ends the connections on which no request is under way. WebSockets are in use. */
  endUnused(): void;
  endAll(): void;
}

export function trackConnections(server: Server): OpenConnections {
  const open = new Set<Socket>();
  const used = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      used.delete(socket);
    });
  });
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    used.add(socket);
    response.once("close", () => used.delete(socket));
  });
  server.on("upgrade", ({ socket }: IncomingMessage) => used.add(socket));
  return {
    endUnused() {
      for (const socket of open) if (!used.has(socket)) socket.destroy();
    },
    endAll() {
      for (const socket of open) socket.destroy();
    },
  };
}
