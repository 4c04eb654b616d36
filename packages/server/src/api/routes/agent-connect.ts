import { AgentRegistration } from "@muster/sdk/protocol";
import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { type AgentFrame, type AgentResume, AgentSocket } from "../agent-socket.ts";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { keepAlive } from "../keep-alive.ts";
import { operationalError } from "../problems.ts";
import type { AgentSockets } from "../web-sockets.ts";
import { upgradeNeeded } from "../web-sockets.ts";

/** Bytes on their way to one agent; beyond that it does not keep up and is closed. */
const bufferedBytes = 8 * 1024 * 1024;

const Frame = Type.Object(
  {
    id: Type.Union([Type.Integer(), Type.String({ minLength: 1, maxLength: 64 })]),
    operation: Type.String({ minLength: 1, maxLength: 64 }),
    body: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false },
);
const Resume = Type.Object(
  {
    agentId: Type.String({ minLength: 1, maxLength: 128 }),
    session: Type.String({ minLength: 1, maxLength: 512 }),
  },
  { additionalProperties: false },
);

/** The WebSocket of one agent: it joins by the first frame and then does everything else over it. */
export function addAgentConnectRoute(
  app: ApiServer,
  context: ApiContext,
  sockets: AgentSockets,
  joinWithinMs: number,
): void {
  const { orchestrator, operation, validators, connections, runOperation, keepAliveTimes } = context;
  const read = <T>(check: (value: unknown) => void) => {
    return (value: unknown): T => {
      check(value);
      return value as T;
    };
  };
  const parts = {
    gateway: orchestrator.gateway,
    connections,
    run: runOperation,
    readFrame: read<AgentFrame>(validators.body(Frame)),
    readRegistration: read<AgentRegistration>(validators.body(AgentRegistration)),
    readResume: read<AgentResume>(validators.body(Resume)),
    bufferedBytes,
    joinWithinMs,
  };
  app.route({
    method: "GET",
    url: "/v1/agents/connect",
    exposeHeadRoute: false,
    ...operation({
      id: "connectAgent",
      tag: "agents",
      access: ["admin", "agent"],
      summary: "Join as an agent over a WebSocket. docs/agent-protocol.md explains the frames.",
      answer: { status: 101, schema: "The connection is a WebSocket now." },
    }),
    handler: upgradeNeeded,
    wsHandler: (socket, request: FastifyRequest) => {
      keepAlive(socket, keepAliveTimes, request.stillAllowed);
      const toProblem = (error: unknown) => operationalError(error, request).toProblem();
      const agent = new AgentSocket(socket, {
        ...parts,
        principal: request.principal,
        log: request.log,
        toProblem,
      });
      sockets.set(socket, agent);
      socket.once("close", () => sockets.delete(socket));
    },
  });
}
