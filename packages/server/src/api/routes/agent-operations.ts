import { agentOperations, Message, MusterError } from "@muster/sdk/protocol";
import type { FastifyReply } from "fastify";
import Type from "typebox";
import { operationNames, unknownOperation } from "../agent-operation.ts";
import type { ApiContext, ApiServer } from "../api-context.ts";
import type { Mailbox } from "../mailbox.ts";
import { createMailboxConnection, isMailbox, type MailboxConnection } from "../mailbox-connection.ts";
import { AgentId, WaitMs } from "./request-schemas.ts";

const tag = "agent operations";
const messagesPerAnswer = 100;

/** How often a poll counts as a sign of life where the agent's own rhythm is not known. */
const fallbackHeartbeatMs = 5_000;

const MessageQuery = Type.Object(
  {
    waitMs: WaitMs({ default: 25_000, description: "Answer with nothing when none came for this long." }),
    max: Type.Optional(Type.Integer({ minimum: 1, maximum: messagesPerAnswer, default: 10 })),
  },
  { additionalProperties: false },
);

export function addAgentOperationRoutes(app: ApiServer, context: ApiContext): void {
  for (const name of operationNames) addOperation(app, context, name);
  addUnknownOperation(app, context);
  addMessages(app, context);
}

/** A route for each, so that the document tells exactly what each takes and answers. */
function addOperation(app: ApiServer, context: ApiContext, name: (typeof operationNames)[number]): void {
  const { connections, runOperation, operation } = context;
  app.post(
    `/v1/agents/:id/operations/${name}`,
    {
      ...operation({
        id: `agent${name.charAt(0).toUpperCase()}${name.slice(1)}`,
        tag,
        access: "session",
        summary: `The operation \`${name}\` of an agent.`,
        params: AgentId,
        body: agentOperations[name].request,
        answer: { status: 200, schema: agentOperations[name].response },
      }),
      // `runOperation` checks the body, here and for WebSockets.
      validatorCompiler: () => () => true,
    },
    async (request) => {
      const { id } = request.params as { id: string };
      const response = await runOperation(id, name, request.body ?? {});
      const connection = name === "leave" ? connections.get(id) : undefined;
      if (connection !== undefined && connections.release(id, connection)) connection.mailbox?.close();
      return response;
    },
  );
}

/** Not in the document: it is there to say which operations there are. */
function addUnknownOperation(app: ApiServer, { operation }: ApiContext): void {
  const { schema, config } = operation({
    id: "agentOperation",
    tag,
    access: "session",
    summary: "An operation that does not exist.",
    params: Type.Object({ ...AgentId.properties, operation: Type.String() }),
    body: Type.Unknown(),
    answer: { status: 204, schema: "Never." },
  });
  app.post(
    "/v1/agents/:id/operations/:operation",
    { schema: { ...schema, hide: true }, config, validatorCompiler: () => () => true },
    async (request) => {
      throw unknownOperation((request.params as { operation: string }).operation);
    },
  );
}

function addMessages(app: ApiServer, context: ApiContext): void {
  app.get(
    "/v1/agents/:id/messages",
    {
      ...context.operation({
        id: "fetchMessages",
        tag,
        access: "session",
        summary:
          "Messages for the agent, as soon as there are any. While it waits, the agent counts as alive.",
        params: AgentId,
        querystring: MessageQuery,
        answer: { status: 200, schema: Type.Object({ messages: Type.Array(Message) }) },
      }),
      // HEAD would take messages and show none.
      exposeHeadRoute: false,
    },
    async ({ params, query, headers }, reply) => {
      const connection = await mailboxOf(context, params.id, headers.authorization ?? "");
      const { max = 10, waitMs = 25_000 } = query;
      const messages = await poll(context, params.id, connection, reply, { max, waitMs });
      return reply.type("application/json; charset=utf-8").send(`{"messages":[${messages.join(",")}]}`);
    },
  );
}

/** An agent that polls although it came by WebSocket, or to another node, gets its messages here from now on. */
async function mailboxOf(
  { connections, orchestrator }: ApiContext,
  agentId: string,
  authorization: string,
): Promise<MailboxConnection> {
  const { gateway } = orchestrator;
  const known = connections.get(agentId);
  if (isMailbox(known) && (await gateway.isHome(agentId))) return known;
  const session = authorization.replace(/^bearer +/i, "").trim();
  const connection = createMailboxConnection(session);
  await gateway.attach(agentId, session, connection.line);
  connections.take(agentId, connection);
  return connection;
}

async function poll(
  { closing, orchestrator }: ApiContext,
  agentId: string,
  { mailbox, heartbeatMs }: MailboxConnection,
  reply: FastifyReply,
  { max, waitMs }: { max: number; waitMs: number },
): Promise<string[]> {
  const gone = new AbortController();
  const leave = () => gone.abort();
  reply.raw.once("close", leave);
  // The end of the connection shows here first.
  const { socket } = reply.request.raw;
  socket.once("end", leave);
  const forget = closing.onBegin(() => mailbox.interrupt());
  let refusal: MusterError | undefined;
  const beat = () => {
    orchestrator.gateway.request(agentId, "heartbeat", {}).catch((error: unknown) => {
      if (!(error instanceof MusterError) || error.code !== "agent_unknown") return;
      refusal = error;
      mailbox.interrupt();
    });
  };
  const beating = setInterval(beat, heartbeatMs ?? fallbackHeartbeatMs);
  beat();
  try {
    const messages = await mailbox.take(max, closing.begun ? 0 : waitMs, gone.signal);
    returnUnsent(mailbox, messages, gone.signal, reply);
    if (messages.length === 0 && refusal !== undefined) throw refusal;
    return messages;
  } finally {
    clearInterval(beating);
    socket.off("end", leave);
    forget();
  }
}

/** What was taken for a client that went away meanwhile is not lost: the next poll gets it. */
function returnUnsent(mailbox: Mailbox, messages: string[], gone: AbortSignal, reply: FastifyReply): void {
  if (messages.length === 0) return;
  let sent = false;
  reply.raw.once("finish", () => {
    sent = true;
  });
  const putBack = () => {
    if (!sent) mailbox.putBack(messages);
  };
  if (gone.aborted) putBack();
  else gone.addEventListener("abort", putBack, { once: true });
}
