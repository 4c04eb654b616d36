/**
 * Muster as a library: the same orchestrator that `muster up` runs, inside your own program.
 */
export type { AgentDefinition, Client, TaskContext } from "@muster/sdk";
export { type LogLevel, type Muster, type MusterOptions, startMuster } from "./main.ts";
