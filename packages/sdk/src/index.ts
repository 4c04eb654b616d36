/**
 * The SDK of Muster. `createClient` is for whoever has work: submit tasks, start runs, wait, watch. `createAgent`
 * is for whoever does work: say what you can do, and get tasks. Both speak the words of `protocol`.
 */
export { type Check, type CheckFault, compileCheck } from "./agent/compile-check.ts";
export {
  type Agent as RunningAgent,
  type AgentChanges,
  type AgentDefinition,
  type CapabilityDefinition,
  type ConnectOptions,
  createAgent,
} from "./agent/create-agent.ts";
export type { AgentEnvironment } from "./agent/environment.ts";
export { createHttpTransport } from "./agent/http-transport.ts";
export { QueryError, type QueryRefusal } from "./agent/query-answer.ts";
export type {
  AskOptions,
  DelegateOptions,
  IncomingMessage,
  Spending,
  TaskContext,
} from "./agent/task-context.ts";
export { AttemptError, type AttemptErrorOptions, DelegationError } from "./agent/task-error.ts";
export type { AgentTransport } from "./agent/transport.ts";
export { createWebSocketTransport, type TransportOptions } from "./agent/web-socket-transport.ts";
export type { ArtifactAccess, ArtifactContent } from "./client/artifact-access.ts";
export * from "./client/artifact-client.ts";
export * from "./client/client.ts";
export { type ClientOptions, createClient } from "./client/create-client.ts";
export { createDeltaQueue } from "./client/delta-queue.ts";
export { watchState } from "./client/http-state.ts";
export type { InboxClient, PeopleClient } from "./client/inbox-client.ts";
export * from "./client/lock-client.ts";
export {
  type AgentMemory,
  createMemoryClient,
  type MemoryAccess,
  type MemoryClient,
} from "./client/memory-client.ts";
export type { NodeClient, NodeInfo } from "./client/node-client.ts";
export * from "./client/schedule-client.ts";
export * from "./client/state-client.ts";
export type { StateSnapshotClient } from "./client/state-snapshot-client.ts";
export type { TriggerClient, TriggerFilter } from "./client/trigger-client.ts";
export { isPublicAddress } from "./http/public-address.ts";
export * from "./protocol/index.ts";
export type { Clock, Timer } from "./time/clock.ts";
export type { Random } from "./time/random.ts";
