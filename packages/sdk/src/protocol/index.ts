/**
 * The words that everything in Muster is written in: tasks, agents, capabilities, messages, events, runs and
 * errors. Each schema is a JSON Schema and a TypeScript type at once, so the API, the SDK and the checks of
 * a capability cannot drift apart.
 */
export * from "./agent.ts";
export * from "./error.ts";
export * from "./event.ts";
export * from "./limits.ts";
export * from "./message.ts";
export * from "./run.ts";
export * from "./task.ts";
