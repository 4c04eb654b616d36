import { expect, test } from "vitest";
import type { AgentRecord } from "../../ports/agent-registry.ts";
import { findAmong } from "./find-among.ts";

const agent = (id: string, capabilities: Record<string, string>, load = 0): AgentRecord => ({
  id,
  name: id,
  type: "custom",
  description: "",
  capabilities: Object.entries(capabilities).map(([name, description]) => ({ name, description })),
  maxConcurrency: 4,
  metadata: { secret: "not for others" },
  tenant: "*",
  status: "available",
  load,
  outcomes: { successes: 0, failures: 0, at: 0 },
  registeredAt: 0,
  lastSeen: 0,
  expiresAt: 1,
});

const everyone = [
  agent("a", { review: "Reviews code for bugs", poem: "Writes poems" }, 3),
  agent("b", { review: "Reviews code for bugs" }, 1),
  agent("c", { translate: "Translates texts" }),
  agent("d", {}),
];
const idsOf = (search: Parameters<typeof findAmong>[1]) =>
  findAmong(everyone, search).map((each) => each.agent.id);

test("agents are found by words, the less busy first, and by the capability's name", () => {
  expect(idsOf({ query: "who can look for a bug in my code" })).toEqual(["b", "a"]);
  expect(idsOf({ query: "translation" })).toEqual(["c"]);
  expect(idsOf({ query: "cooking" })).toEqual([]);
  expect(idsOf({ capability: "review" })).toEqual(["b", "a"]);
  expect(idsOf({})).toEqual(["c", "d", "b", "a"]);
});

test("the capability that fits best comes first, and one that was asked for alone", () => {
  const [poet] = findAmong(everyone, { query: "a poem" });
  expect(poet!.capabilities.map(({ capability }) => capability.name)).toEqual(["poem", "review"]);
  const [reviewer] = findAmong([everyone[0]!], { capability: "review" });
  expect(reviewer!.capabilities).toHaveLength(1);
});
