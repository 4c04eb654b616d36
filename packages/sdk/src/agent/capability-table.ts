import { MusterError } from "../protocol/index.ts";
import { type Check, compileCheck } from "./compile-check.ts";
import type { CapabilityDefinition } from "./create-agent.ts";

/** A capability that is ready to work: its handler, and its schemas compiled. */
interface ReadyCapability {
  name: string;
  handler: CapabilityDefinition["handler"];
  checkInput: Check | undefined;
  checkOutput: Check | undefined;
}

export interface CapabilityTable {
  /** The capability that a task asks for. One addressed to the agent alone gets the only one there is. */
  find(name: string | null): ReadyCapability;
}

/** Compiles every capability of an agent once; refuses a name that occurs twice and a schema that is no schema. */
export const createCapabilityTable = (
  agentName: string,
  definitions: readonly CapabilityDefinition[],
): CapabilityTable => {
  const byName = new Map<string, ReadyCapability>();
  for (const definition of definitions) {
    if (byName.has(definition.name)) {
      throw new MusterError(
        "invalid_request",
        `Agent ${agentName} has two capabilities "${definition.name}".`,
        {
          hint: "Give each capability a name of its own.",
        },
      );
    }
    byName.set(definition.name, compile(definition));
  }
  return {
    find(name) {
      const [only] = byName.values();
      const found = name === null ? (byName.size === 1 ? only : undefined) : byName.get(name);
      if (found !== undefined) return found;
      throw Object.assign(new Error(describeMiss(agentName, name, [...byName.keys()])), {
        code: "no_capability",
      });
    },
  };
};

const compile = ({ name, handler, inputSchema, outputSchema }: CapabilityDefinition): ReadyCapability => ({
  name,
  handler,
  checkInput:
    inputSchema === undefined ? undefined : compileCheck(inputSchema, `The input schema of ${name}`),
  checkOutput:
    outputSchema === undefined ? undefined : compileCheck(outputSchema, `The output schema of ${name}`),
});

const describeMiss = (agentName: string, name: string | null, offered: string[]): string => {
  const offer = offered.length === 0 ? "none" : offered.join(", ");
  return name === null
    ? `The task names no capability, and agent ${agentName} has not exactly one. It has: ${offer}.`
    : `Agent ${agentName} does not have the capability "${name}". It has: ${offer}.`;
};
