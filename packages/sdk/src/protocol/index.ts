/**
 * The words that everything in Muster is written in: tasks, agents, capabilities, messages, events, runs and
 * errors. Each schema is a JSON Schema and a TypeScript type at once, so the API, the SDK and the checks of
 * a capability cannot drift apart.
 */
export * from "./agent.ts";
export * from "./amqp.ts";
export * from "./artifact.ts";
export * from "./backup.ts";
export * from "./breaker.ts";
export * from "./budget.ts";
export * from "./database-facts.ts";
export * from "./dead-letter.ts";
export * from "./error.ts";
export * from "./event.ts";
export * from "./found-agent.ts";
export * from "./inbox.ts";
export * from "./json-schema.ts";
export * from "./limits.ts";
export * from "./lock.ts";
export * from "./memory.ts";
export * from "./memory-operations.ts";
export * from "./merge-json.ts";
export * from "./message.ts";
export * from "./name.ts";
export * from "./person.ts";
export * from "./question.ts";
export * from "./retry.ts";
export * from "./rollout.ts";
export * from "./run.ts";
export * from "./schedule.ts";
export * from "./state.ts";
export * from "./state-snapshot.ts";
export * from "./stream.ts";
export * from "./task.ts";
export * from "./trigger.ts";
