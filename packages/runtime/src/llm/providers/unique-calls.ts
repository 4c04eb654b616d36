import type { ModelMessage } from "../model.ts";
import type { ReadTurn } from "./read-turn.ts";

const longestId = 60;

/**
 * Ids of calls are keys of effects, so no two of a conversation may be the same; some servers begin at `call_0` with every
 * turn. And each provider must take the ids of all others, should the next turn be somebody else's.
 */
export function withUniqueCalls(turn: ReadTurn, messages: readonly ModelMessage[]): ReadTurn {
  const taken = new Set(
    messages.flatMap((entry) => (entry.role === "assistant" ? entry.toolCalls.map(({ id }) => id) : [])),
  );
  const ids: string[] = [];
  for (const { id } of turn.toolCalls) {
    const unique = freeId(id, taken);
    taken.add(unique);
    ids.push(unique);
  }
  let next = 0;
  return {
    ...turn,
    toolCalls: turn.toolCalls.map((call, index) => ({ ...call, id: ids[index] as string })),
    parts: turn.parts.map((part) =>
      part.type === "tool-call" ? { ...part, toolCallId: ids[next++] as string } : part,
    ),
  };
}

function freeId(id: string, taken: ReadonlySet<string>): string {
  const plain = id.replaceAll(/[^\w-]/g, "_").slice(0, longestId) || "call";
  if (!taken.has(plain)) return plain;
  let number = 2;
  while (taken.has(`${plain}-${number}`)) number++;
  return `${plain}-${number}`;
}
