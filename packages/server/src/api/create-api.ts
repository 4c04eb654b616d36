import { randomUUID } from "node:crypto";
import { type AddressInfo, Server as NetServer } from "node:net";
import helmet from "@fastify/helmet";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { limits, MusterError, Problem } from "@muster/sdk/protocol";
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import type { Logger } from "pino";
import type { TSchema } from "typebox";
import type { Orchestrator } from "../core/orchestrator.ts";
import type { RateLimits } from "../ports/rate-limits.ts";
import { createAgentConnections } from "./agent-connections.ts";
import { createRunOperation } from "./agent-operation.ts";
import { answerWrongMethods } from "./allowed-methods.ts";
import type { ApiContext, ApiServer } from "./api-context.ts";
import { authenticateRequests } from "./authenticate.ts";
import { type Closing, createClosing } from "./closing.ts";
import { defaultSendBounds, type SendBounds } from "./event-socket.ts";
import { forgetSilentAgents } from "./forget-silent-agents.ts";
import { acceptJsonBodies } from "./json-body.ts";
import { defaultKeepAlive, type KeepAliveTimes } from "./keep-alive.ts";
import { createNamedSchemas, type NamedSchemas } from "./named-schemas.ts";
import { trackConnections } from "./open-connections.ts";
import { describeInOpenApi } from "./openapi.ts";
import { createOperation } from "./operation.ts";
import { answerUnreadable, answerWithProblems, operationalError, sendProblem } from "./problems.ts";
import { createReadiness, type ReadinessChecks } from "./readiness.ts";
import { limitReading, type ReadingLimit } from "./reading-limit.ts";
import { addAgentConnectRoute } from "./routes/agent-connect.ts";
import { addAgentOperationRoutes } from "./routes/agent-operations.ts";
import { addAgentRoutes } from "./routes/agents.ts";
import { addArtifactRoutes } from "./routes/artifacts.ts";
import { addBackupRoutes } from "./routes/backups.ts";
import { addBreakerRoutes } from "./routes/breakers.ts";
import { addDeadLetterRoutes } from "./routes/dead-letters.ts";
import { addEventRoutes } from "./routes/events.ts";
import { addHealthRoutes } from "./routes/health.ts";
import { addKeyRoutes } from "./routes/keys.ts";
import { addLockRoutes } from "./routes/locks.ts";
import { addMemoryRoutes } from "./routes/memories.ts";
import { addMetaRoutes } from "./routes/meta.ts";
import { addMetricsRoute } from "./routes/metrics.ts";
import { addNodeRoutes } from "./routes/nodes.ts";
import { addPeopleRoutes } from "./routes/people.ts";
import { addRetryPolicyRoutes } from "./routes/retry-policies.ts";
import { addRolloutRoutes } from "./routes/rollouts.ts";
import { addRunRoutes } from "./routes/runs.ts";
import { addScheduleRoutes } from "./routes/schedules.ts";
import { addStateRoutes } from "./routes/state.ts";
import { addStateSnapshotRoutes } from "./routes/state-snapshots.ts";
import { addStreamRoutes } from "./routes/streams.ts";
import { addTaskRoutes } from "./routes/tasks.ts";
import { addTriggerRoutes } from "./routes/triggers.ts";
import { createSchemaValidators, type SchemaValidators } from "./schema-validators.ts";
import { createThrottle, defaultRequestLimits, type RequestLimits } from "./throttle.ts";
import { type AgentSockets, acceptWebSockets } from "./web-sockets.ts";

/*
 * The API is the door of an orchestrator for everybody outside its process: HTTP and WebSocket on one port.
 * A request passes, in this order: is the server closing; is there such an address (404) and method (405);
 * who is asking (401), may they (403), how often (429); is the body JSON (400, 413, 415) and as its schema
 * says (400). Only then a route, one file per subject in `routes/`, calls the one service of the orchestrator
 * that does it. Whatever goes wrong is answered with a problem document (RFC 9457).
 */
export interface ApiOptions {
  orchestrator: Orchestrator;
  /** A pino logger, or false for silence. */
  log: Logger | false;
  version: string;
  /** One more admin key (tenant `*`), which only this process knows and which is stored nowhere. */
  localKey?: string;
  /** What this server works with beside the database; it takes requests without, and says that it is degraded. */
  checks?: ReadinessChecks;
  rateLimits: RateLimits;
  /** Numbers for collectors, in the text format of Prometheus. */
  metrics?: () => Promise<string>;
  requestLimits?: Partial<RequestLimits>;
  /** Connections at once, WebSockets included; more are dropped. */
  maxConnections?: number;
  /** The proxies whose `X-Forwarded-For` counts, as addresses or networks separated by commas. None by default. */
  trustProxy?: string;
  keepAlive?: Partial<KeepAliveTimes>;
  sendBounds?: Partial<SendBounds>;
  /** A WebSocket of an agent that has not registered by then is closed. */
  joinWithinMs?: number;
  /** A request whose JSON has not arrived by then is ended. */
  readWithinMs?: number;
  /** How often mailboxes of agents that expired are cleared away. */
  sweepMs?: number;
  /** Requests that are still under way this long after `close` are cut off. */
  closeWithinMs?: number;
}

export interface Api {
  /** Begins to serve; resolves with the address, such as `http://127.0.0.1:6878`. */
  listen(where: { host: string; port: number }): Promise<string>;
  /** Says to load balancers that this server is about to go; goes on serving. */
  drain(): void;
  /** Takes no more connections; requests on those that it has are served. */
  stopListening(): void;
  /** Answers what is under way (long polls with what there is), says goodbye to WebSockets, stops. */
  close(): Promise<void>;
  /** Runs a request without a network, as tests do. */
  inject: FastifyInstance["inject"];
}

const defaultMaxConnections = 10_000;
const defaultJoinWithinMs = 10_000;
const defaultCloseWithinMs = 10_000;
/** How long a client may take to send a whole request. */
const requestMs = 30_000;
/** And one that is a file. */
const fileMs = 6 * 3_600_000;
/** How long a connection may be silent; longer than any long poll. */
const silentConnectionMs = limits.longPollMs + 30_000;
const defaultSweepMs = 30_000;
/** Longest id in an address, encoded. */
const parameterLength = 512;

export async function createApi(options: ApiOptions): Promise<Api> {
  const app = createServer(options);
  const closing = createClosing();
  const agentSockets: AgentSockets = new Map();
  const named = createNamedSchemas();

  answerWithProblems(app);
  const context = createContext(
    options,
    closing,
    named,
    limitReading(app, options.readWithinMs ?? requestMs),
  );
  // First of all hooks: it marks upgrades, so that the socket of one that a later hook refuses is let go.
  await acceptWebSockets(app, closing, agentSockets);
  markAnswers(app, closing);
  answerWrongMethods(app);
  await app.register(helmet);
  const throttle = createThrottle(options.rateLimits, { ...defaultRequestLimits, ...options.requestLimits });
  authenticateRequests(app, { orchestrator: options.orchestrator, throttle, localKey: options.localKey });
  acceptJsonBodies(app);
  await describeInOpenApi(app, options.version);
  validateWith(app, context.validators);
  await addRoutes(app, context, agentSockets, options.joinWithinMs ?? defaultJoinWithinMs);
  for (const schema of named.all()) app.addSchema(schema);
  sweepMailboxes(app, context, options.sweepMs ?? defaultSweepMs);
  endConnections(app, options.closeWithinMs ?? defaultCloseWithinMs);
  await app.ready();
  return asApi(app, closing);
}

function createContext(
  options: ApiOptions,
  closing: Closing,
  named: NamedSchemas,
  readingLimit: ReadingLimit,
): ApiContext {
  const { orchestrator, version, keepAlive, sendBounds, checks, metrics = async () => "" } = options;
  const validators = createSchemaValidators(named);
  return {
    orchestrator,
    version,
    metrics,
    operation: createOperation(named, Problem),
    validators,
    readingLimit,
    connections: createAgentConnections(),
    runOperation: createRunOperation(orchestrator.gateway, validators),
    closing,
    keepAliveTimes: { ...defaultKeepAlive, ...keepAlive },
    sendBounds: { ...defaultSendBounds, ...sendBounds },
    readiness: createReadiness({ database: async () => void (await orchestrator.events.latest()) }, checks),
  };
}

/** Every answer names its request, is kept by no cache, and lets go of its connection when the server closes. */
function markAnswers(app: ApiServer, closing: Closing): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id).header("cache-control", "no-store");
    if (closing.begun && !isProbe(request.url)) throw closingNow();
  });
  app.addHook("onSend", async (_request, reply) => {
    if (closing.draining) reply.header("connection", "close");
  });
}

function validateWith(app: ApiServer, validators: SchemaValidators): void {
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    const check = httpPart === "body" ? validators.body(schema) : validators.text(schema);
    return (value: unknown) => {
      check(value);
      return true;
    };
  });
}

function sweepMailboxes(app: ApiServer, context: ApiContext, sweepMs: number): void {
  const sweep = setInterval(() => {
    forgetSilentAgents(context).catch((error: unknown) =>
      app.log.warn({ err: error }, "mailboxes were not swept"),
    );
  }, sweepMs);
  sweep.unref();
  app.addHook("onClose", async () => clearInterval(sweep));
}

/** Requests that are under way may end; connections without one, and after a while all, are ended from here. */
function endConnections(app: ApiServer, closeWithinMs: number): void {
  const connections = trackConnections(app.server);
  let deadline: NodeJS.Timeout | undefined;
  app.addHook("preClose", async () => {
    connections.endUnused();
    deadline = setTimeout(() => connections.endAll(), closeWithinMs);
  });
  app.addHook("onClose", async () => clearTimeout(deadline));
}

function createServer({ log, trustProxy, maxConnections }: ApiOptions): ApiServer {
  const app = fastify({
    ...(log === false ? { logger: false } : { loggerInstance: log as FastifyBaseLogger }),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    genReqId: () => randomUUID(),
    bodyLimit: limits.bodyBytes,
    requestTimeout: fileMs,
    http: { headersTimeout: requestMs },
    connectionTimeout: silentConnectionMs,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error, request, reply) => void sendProblem(reply, operationalError(error, request)),
    routerOptions: { maxParamLength: parameterLength },
    // Answers are what the services give; their schemas document them and are checked by tests. Said here, where it
    // holds for every plugin: compiling a serializer for each answer would take a second at every start.
    schemaController: { compilersFactory: { buildSerializer: () => () => JSON.stringify } },
    ...(trustProxy === undefined ? {} : { trustProxy }),
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = maxConnections ?? defaultMaxConnections;
  app.server.on("drop", () => app.log.warn({}, "a connection was dropped: there are too many"));
  return app;
}

async function addRoutes(
  app: ApiServer,
  context: ApiContext,
  sockets: AgentSockets,
  joinWithinMs: number,
): Promise<void> {
  addTaskRoutes(app, context);
  addDeadLetterRoutes(app, context);
  addRetryPolicyRoutes(app, context);
  addRunRoutes(app, context);
  addScheduleRoutes(app, context);
  addMetricsRoute(app, context);
  addTriggerRoutes(app, context);
  addAgentConnectRoute(app, context, sockets, joinWithinMs);
  addAgentRoutes(app, context);
  addAgentOperationRoutes(app, context);
  addEventRoutes(app, context);
  addStreamRoutes(app, context);
  await addArtifactRoutes(app, context);
  await addStateRoutes(app, context);
  addStateSnapshotRoutes(app, context);
  addLockRoutes(app, context);
  addMemoryRoutes(app, context);
  addPeopleRoutes(app, context);
  addKeyRoutes(app, context);
  addBreakerRoutes(app, context);
  addNodeRoutes(app, context);
  addBackupRoutes(app, context);
  addRolloutRoutes(app, context);
  addMetaRoutes(app, context);
  addHealthRoutes(app, context);
}

function asApi(app: ApiServer, closing: Closing): Api {
  return {
    async listen({ host, port }) {
      await app.listen({ host, port });
      const { address, port: actual, family } = app.server.address() as AddressInfo;
      return `http://${family === "IPv6" ? `[${address}]` : address}:${actual}`;
    },
    drain: () => closing.drain(),
    // The `close` of HTTP would also end connections on which a request is just arriving.
    stopListening: () => void NetServer.prototype.close.call(app.server),
    close: () => app.close(),
    inject: app.inject.bind(app) as FastifyInstance["inject"],
  };
}

/** Probes are told the truth to the very end. */
const isProbe = (url: string): boolean => /^\/(livez|readyz)($|\?)/.test(url);

const closingNow = (): MusterError =>
  new MusterError("unavailable", "The server is about to close.", { hint: "Try again in a moment." });
