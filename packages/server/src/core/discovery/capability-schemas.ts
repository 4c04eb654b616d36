import { type Capability, MusterError } from "@muster/sdk/protocol";
import { refuseBadRetry } from "../resilience/retry-policy.ts";
import { createForeignSchemas } from "./foreign-schemas.ts";

/** The schemas that agents bring with their capabilities. */
export function createCapabilitySchemas() {
  const { compile, mismatch } = createForeignSchemas();

  return {
    /** Refuses capabilities whose schemas can't be used, naming the capability. */
    admit(capabilities: readonly Capability[]): void {
      const names = new Set<string>();
      for (const capability of capabilities) {
        if (names.has(capability.name)) {
          throw new MusterError("invalid_request", `The capability "${capability.name}" is offered twice.`);
        }
        names.add(capability.name);
        refuseBadRetry(capability.retry, `The capability "${capability.name}": retry`);
        for (const side of ["inputSchema", "outputSchema"] as const) {
          const schema = capability[side];
          if (schema === undefined) continue;
          try {
            compile(schema);
          } catch (error) {
            throw new MusterError(
              "invalid_request",
              `${side} of "${capability.name}": ${(error as Error).message}`,
            );
          }
        }
      }
    },
    /** Null where the value fits, else where and how it does not. */
    mismatch,
  };
}

export type CapabilitySchemas = ReturnType<typeof createCapabilitySchemas>;
