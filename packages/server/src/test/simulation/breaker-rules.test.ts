import { expect, it } from "vitest";
import type { EventRow } from "../../core/queue/statements/events.ts";
import { checkBreakers } from "./breaker-rules.ts";

const history = (...types: string[]) => types.map((type, seq) => ({ seq, type, agent_id: "a" }) as EventRow);
const rulesOf = (types: string[], state: string) =>
  checkBreakers(history(...types), [{ agent_id: "a", state }]).map(({ rule }) => rule);

it.each([
  [["breaker.opened", "breaker.half_opened", "breaker.closed", "breaker.opened"], "open", 0],
  [["breaker.opened", "breaker.half_opened", "breaker.opened"], "open", 0],
  [["breaker.opened", "breaker.opened"], "open", 1],
  [["breaker.half_opened"], "closed", 1],
  [["breaker.opened", "breaker.closed"], "open", 1],
  [["breaker.opened"], "closed", 1],
])("%j and a row that is %s: %i violations", (types, state, count) => {
  expect(rulesOf(types, state)).toHaveLength(count);
});
