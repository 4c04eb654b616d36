import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { freePorts } from "../../scripts/services/free-ports.ts";

/** What a request was, once all of it had arrived. */
export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export type Answer = (request: SeenRequest, response: ServerResponse) => void;

/** A real HTTP and WebSocket server that a test tells what to answer, and kills. */
export interface FakeNode {
  name: string;
  /** Its `host:port`. */
  address: string;
  seen: SeenRequest[];
  sockets: Set<WebSocket>;
  /** How it answers from now on. */
  answer(answer: Answer): void;
  /** Goes as a killed process does: whatever is under way breaks, and nobody listens any more. */
  kill(): Promise<void>;
}

/** Starts a node that answers every request with its name. */
export async function startFakeNode(name: string): Promise<FakeNode> {
  const seen: SeenRequest[] = [];
  const connections = new Set<Socket>();
  const sockets = new Set<WebSocket>();
  let answer: Answer = (_request, response) => response.end(name);
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const one = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body };
      seen.push(one);
      answer(one, response);
    });
    // A killed node and a client that left are what these tests are about.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
  });
  const webSockets = new WebSocketServer({ server });
  webSockets.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("message", (data) => socket.send(`${name}: ${data}`));
  });
  server.on("connection", (connection) => {
    connections.add(connection);
    connection.on("error", () => undefined);
    connection.on("close", () => connections.delete(connection));
  });
  const [port = 0] = await freePorts(1);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    name,
    address: `127.0.0.1:${port}`,
    seen,
    sockets,
    answer(next) {
      answer = next;
    },
    kill: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.resetAndDestroy();
      }),
  };
}
