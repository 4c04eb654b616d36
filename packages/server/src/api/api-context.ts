import type { IncomingMessage, ServerResponse } from "node:http";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { Orchestrator } from "../core/orchestrator.ts";
import type { AgentConnections } from "./agent-connections.ts";
import type { RunOperation } from "./agent-operation.ts";
import type { Closing } from "./closing.ts";
import type { SendBounds } from "./event-socket.ts";
import type { KeepAliveTimes } from "./keep-alive.ts";
import type { Operation } from "./operation.ts";
import type { Readiness } from "./readiness.ts";
import type { ReadingLimit } from "./reading-limit.ts";
import type { SchemaValidators } from "./schema-validators.ts";

/** Fastify with types that follow from the schemas of a route. */
export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What the routes have in common. */
export interface ApiContext {
  orchestrator: Orchestrator;
  version: string;
  /** Numbers for collectors. */
  metrics: () => Promise<string>;
  operation: Operation;
  validators: SchemaValidators;
  readingLimit: ReadingLimit;
  connections: AgentConnections;
  runOperation: RunOperation;
  closing: Closing;
  readiness: Readiness;
  keepAliveTimes: KeepAliveTimes;
  sendBounds: SendBounds;
}
