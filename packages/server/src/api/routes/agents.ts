import {
  Agent,
  AgentRegistration,
  AgentSession,
  AgentStatus,
  limits,
  MusterError,
} from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { createMailboxConnection } from "../mailbox-connection.ts";
import { listOf } from "../operation.ts";
import { AgentId, CommaList, FilterText, splitCommas } from "./request-schemas.ts";

const readers = ["admin", "client", "agent"] as const;
const tag = "agents";
const toolsPerSearch = 32;

const AgentQuery = Type.Object(
  {
    capability: FilterText,
    status: Type.Optional(AgentStatus),
    name: FilterText,
    minHealthScore: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    maxLoadRatio: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    query: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.textLength,
        description: "What is to be done, in words: those who fit, by words and by meaning, best first.",
      }),
    ),
    tools: CommaList("Tools that the agent must have, separated by commas."),
  },
  { additionalProperties: false },
);

const StatusChange = Type.Object(
  {
    status: Type.Enum(["available", "maintenance"], {
      description: "`maintenance` takes the agent out of discovery, `available` brings it back.",
    }),
  },
  { $id: "AgentStatusChange", additionalProperties: false },
);

export function addAgentRoutes(app: ApiServer, context: ApiContext): void {
  addReading(app, context);
  addStatusChange(app, context);
  addRegistration(app, context);
}

function addReading(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { agents } = orchestrator;
  app.get(
    "/v1/agents",
    operation({
      id: "listAgents",
      tag,
      access: readers,
      summary: "Live agents, least loaded first, or with `query` best first.",
      querystring: AgentQuery,
      answer: { status: 200, schema: listOf(Agent) },
    }),
    async ({ query, principal }) => {
      const { tools, ...filter } = query;
      const wanted = tools === undefined ? {} : { tools: readTools(tools) };
      return { items: await agents.list({ ...filter, ...wanted }, principal) };
    },
  );
  app.get(
    "/v1/agents/:id",
    operation({
      id: "getAgent",
      tag,
      access: readers,
      summary: "One agent.",
      params: AgentId,
      answer: { status: 200, schema: Agent },
    }),
    ({ params, principal }) => agents.get(params.id, principal),
  );
}

function addStatusChange(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  app.post(
    "/v1/agents/:id/status",
    operation({
      id: "setAgentStatus",
      tag,
      access: ["admin"],
      summary: "Take an agent out of discovery, or bring it back.",
      params: AgentId,
      body: StatusChange,
      answer: { status: 200, schema: Agent },
    }),
    ({ params, body, principal }) => orchestrator.agents.setStatus(params.id, body.status, principal),
  );
}

function addRegistration(app: ApiServer, { orchestrator, operation, connections }: ApiContext): void {
  app.post(
    "/v1/agents",
    operation({
      id: "registerAgent",
      tag,
      access: ["admin", "agent"],
      summary:
        "Join as an agent that works over HTTP: fetch messages, send operations, both with the session.",
      body: AgentRegistration,
      answer: { status: 201, schema: AgentSession },
    }),
    async (request, reply) => {
      const connection = createMailboxConnection("", ({ id, to }) =>
        request.log.warn({ to, messageId: id }, "a message was dropped: mailbox full"),
      );
      const session = await orchestrator.gateway.register(request.body, request.principal, connection.line);
      connections.take(session.agentId, {
        ...connection,
        session: session.session,
        heartbeatMs: session.heartbeatMs,
      });
      return reply.code(201).send(session);
    },
  );
}

function readTools(text: string): string[] {
  const tools = splitCommas(text);
  const bad = tools.find((tool) => tool.length > limits.nameLength);
  if (bad === undefined && tools.length <= toolsPerSearch) return tools;
  throw new MusterError(
    "invalid_request",
    "The address is not valid: /tools names too many or too long tools.",
    {
      hint: `At most ${toolsPerSearch} tools of at most ${limits.nameLength} characters.`,
    },
  );
}
