import type { AgentMemory } from "../client/memory-client.ts";
import type { Attempt } from "./attempt.ts";
import { toJson } from "./to-json.ts";

/**
 * The memories that an attempt may use, under the lease that it has at that moment. Every call may be repeated without
 * harm: the same text is remembered once.
 */
export const createAttemptMemory = (attempt: Attempt): AgentMemory => ({
  remember: async (text, { metadata, ...options } = {}) => {
    const facts =
      metadata === undefined
        ? {}
        : { metadata: toJson(metadata, "The metadata of a memory") as typeof metadata };
    return (await attempt.call("remember", { text, ...options, ...facts })).answer;
  },
  recall: async (query, options = {}) => (await attempt.call("recall", { query, ...options })).answer,
  forget: async (id) => (await attempt.call("forget", { id })).answer.forgotten > 0,
  list: async (filter = {}) => (await attempt.call("listMemories", { ...filter })).answer,
});
