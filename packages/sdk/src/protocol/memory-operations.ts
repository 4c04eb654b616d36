import Type from "typebox";
import { leaseProof } from "./lease.ts";
import { agentMemory, Forgotten, Memory, Recall, Remembered } from "./memory.ts";

const closed = { additionalProperties: false } as const;

/** The operations of an agent on memories, under the lease of the task that it works on. */
export const memoryOperations = {
  remember: {
    request: Type.Object({ ...leaseProof, ...agentMemory.remember }, closed),
    response: Remembered,
  },
  recall: { request: Type.Object({ ...leaseProof, ...agentMemory.recall }, closed), response: Recall },
  forget: {
    request: Type.Object({ ...leaseProof, id: Memory.properties.id }, closed),
    response: Forgotten,
  },
  listMemories: {
    request: Type.Object({ ...leaseProof, ...agentMemory.list }, closed),
    response: Type.Object({ items: Type.Array(Memory), next: Type.Union([Type.String(), Type.Null()]) }),
  },
} as const;
