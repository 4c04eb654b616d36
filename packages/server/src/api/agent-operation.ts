import { type AgentOperation, agentOperations, MusterError } from "@muster/sdk/protocol";
import type { AgentGateway } from "../core/orchestrator.ts";
import type { Check, SchemaValidators } from "./schema-validators.ts";

export const operationNames = Object.keys(agentOperations) as AgentOperation[];

/** Runs one operation of an agent, whichever way the request came. */
export type RunOperation = (agentId: string, operation: string, body: unknown) => Promise<unknown>;

export function createRunOperation(gateway: AgentGateway, validators: SchemaValidators): RunOperation {
  const checks = new Map<string, Check>(
    operationNames.map((name) => [name, validators.body(agentOperations[name].request)]),
  );
  return async (agentId, operation, body) => {
    const check = checks.get(operation);
    if (check === undefined) throw unknownOperation(operation);
    check(body);
    return gateway.request(agentId, operation as AgentOperation, body);
  };
}

export const unknownOperation = (operation: string): MusterError =>
  new MusterError("not_found", `There is no operation called ${operation.slice(0, 100)}.`, {
    hint: `The operations of an agent are ${operationNames.join(", ")}.`,
  });
