import { EventEmitter, once } from "node:events";
import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import websocket from "@fastify/websocket";
import { limits, MusterError } from "@muster/sdk/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import type { AgentSocket } from "./agent-socket.ts";
import type { Closing } from "./closing.ts";
import { closeCodes, closeSocket } from "./keep-alive.ts";
import { problemType } from "./problems.ts";

/** Operations that agents wait for get this long to end when the server closes. */
const lastAnswersMs = 3_000;
/** A peer gets this long to answer the farewell. */
const farewellMs = 1_000;

/** The WebSockets of agents, so that closing waits for the answers that they are owed. */
export type AgentSockets = Map<WebSocket, AgentSocket>;

/** Makes WebSocket routes possible. Their upgrade requests pass through the same hooks as any request. */
export async function acceptWebSockets(app: FastifyInstance, closing: Closing, agents: AgentSockets) {
  const upgrades = new EventEmitter();
  app.server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() === "websocket")
      upgrades.emit("upgrade", request, socket, head);
    else serveWithoutUpgrade(app.server, request, socket);
  });
  await app.register(websocket, {
    options: { maxPayload: limits.bodyBytes, server: upgrades as Server },
    errorHandler: (error, socket, request) => {
      request.log.debug({ err: error }, "a WebSocket broke");
      socket.terminate();
    },
    preClose: (done) => {
      closing.begin();
      closeAll(app, agents).then(() => app.websocketServer.close(() => done()), done);
    },
  });
}

/**
 * A server may ignore an upgrade that it does not know, such as the offer of HTTP/2 that some clients make by
 * themselves. Node hands these over without reading their body, so only requests without one can be served.
 */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex): void {
  socket.on("error", () => socket.destroy());
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once("finish", () => (socket as Socket).destroySoon());
  if (request.method === "GET" || request.method === "HEAD") {
    server.emit("request", request, response);
    return;
  }
  const problem = new MusterError("invalid_request", "This server does not upgrade to another protocol.", {
    hint: "Make the client use HTTP/1.1 without an Upgrade header.",
  }).toProblem();
  const body = JSON.stringify(problem);
  response.writeHead(problem.status, {
    "content-type": problemType,
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}

async function closeAll(app: FastifyInstance, agents: AgentSockets): Promise<void> {
  await Promise.all([...app.websocketServer.clients].map((socket) => sayGoodbye(socket, agents.get(socket))));
}

async function sayGoodbye(socket: WebSocket, agent: AgentSocket | undefined): Promise<void> {
  if (agent !== undefined) await atMost(lastAnswersMs, agent.idle());
  if (socket.readyState === socket.CLOSED) return;
  const closed = once(socket, "close");
  closeSocket(socket, closeCodes.serviceRestart, "The server closes. Connect again.");
  await atMost(farewellMs, closed);
  socket.terminate();
}

async function atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}

/** The answer to a plain GET of an address that speaks WebSocket. */
export async function upgradeNeeded(_request: FastifyRequest, reply: FastifyReply): Promise<never> {
  reply.header("upgrade", "websocket");
  throw new MusterError("invalid_request", "This address speaks WebSocket.", {
    hint: "Connect with a WebSocket client (ws:// or wss://) and the same Authorization header.",
  });
}
