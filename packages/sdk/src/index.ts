export type { AgentDefinition, CapabilityDefinition } from "./agent/create-agent.ts";
export type { TaskContext } from "./agent/task-context.ts";
export * from "./protocol/index.ts";
