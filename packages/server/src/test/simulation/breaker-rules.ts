import type { EventRow } from "../../core/queue/statements/events.ts";
import type { Violation } from "./event-rules.ts";

export interface JudgedBreaker {
  agent_id: string;
  state: string;
}

/** Which state follows from which, while nobody interferes by hand. */
const moves: Record<string, Record<string, string>> = {
  "breaker.opened": { closed: "open", half_open: "open" },
  "breaker.half_opened": { open: "half_open" },
  "breaker.closed": { half_open: "closed" },
};

/**
 * Reads the events of all breakers again from the first: each moves as a breaker may, opens only by failures that its
 * agent had, and is in the end what its events say.
 */
export function checkBreakers(events: readonly EventRow[], breakers: readonly JudgedBreaker[]): Violation[] {
  const violations: Violation[] = [];
  const states = new Map<string, string>();
  const blame = (detail: string) =>
    violations.push({ rule: "breakers move as they may", detail, taskIds: [] });

  for (const { seq, type, agent_id } of events) {
    const move = moves[type];
    if (move === undefined || agent_id === null) continue;
    const from = states.get(agent_id) ?? "closed";
    const to = move[from];
    if (to === undefined) blame(`${type} (event ${seq}) of ${agent_id} came in state ${from}`);
    states.set(agent_id, to ?? from);
  }
  for (const { agent_id, state } of breakers) {
    const told = states.get(agent_id) ?? "closed";
    if (told !== state) blame(`the breaker of ${agent_id} is ${state}, its events say ${told}`);
  }
  return violations;
}
