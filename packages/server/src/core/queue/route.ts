/**
 * A route says what an agent must match to get a task: the capability, the one agent asked for, the tools.
 * It is the leading key of the ready index, so that finding work for whoever is free is one index probe.
 */
export interface Route {
  capability: string | null;
  agent: string | null;
  tools: string[];
}

/** None of the parts may hold a `|` or a comma; the schemas of submissions see to that. */
export function formatRoute({ capability, agent, tools }: Route): string {
  return `${capability ?? ""}|${agent ?? ""}|${[...new Set(tools)].sort().join(",")}`;
}

export function parseRoute(route: string): Route {
  const [capability = "", agent = "", tools = ""] = route.split("|");
  return {
    capability: capability === "" ? null : capability,
    agent: agent === "" ? null : agent,
    tools: tools === "" ? [] : tools.split(","),
  };
}

/** For people: "code_review by agent x with tools a, b". */
export function describeRoute(route: string): string {
  const { capability, agent, tools } = parseRoute(route);
  const what = capability === null ? `agent ${agent}` : `capability ${capability}`;
  const who = capability !== null && agent !== null ? ` of agent ${agent}` : "";
  return what + who + (tools.length === 0 ? "" : ` with tools ${tools.join(", ")}`);
}
