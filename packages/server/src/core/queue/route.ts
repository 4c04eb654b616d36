/**
 * A route says what an agent must match to get a task: the capability, the one agent asked for, the tools.
 * It is the leading key of the ready index, so that finding work for whoever is free is one index probe.
 *
 * While a capability is in a rollout, its tasks have a seat beside: a route of their own for each bucket of keys, so that
 * those of one side are found without looking past those of the other. Which side a bucket is on changes with the
 * rollout and is not said here: queued tasks follow without being touched.
 */
export interface Route {
  capability: string | null;
  agent: string | null;
  tools: string[];
}

/** A place in a rollout: the bucket of a task's key, or that of a shadow of one rollout. */
export type Seat =
  | { kind: "bucket"; bucket: number; tenant: string }
  | { kind: "shadow"; rolloutId: string; tenant: string };

/** None of the parts may hold a `|` or a comma; the schemas of submissions see to that. */
export function formatRoute({ capability, agent, tools }: Route, seat?: Seat): string {
  const plain = `${capability ?? ""}|${agent ?? ""}|${[...new Set(tools)].sort().join(",")}`;
  if (seat === undefined) return plain;
  return `${plain}|${seat.kind === "bucket" ? `b${seat.bucket}` : `s${seat.rolloutId}`}|${seat.tenant}`;
}

export function parseRoute(route: string): Route {
  const [capability = "", agent = "", tools = ""] = route.split("|");
  return {
    capability: capability === "" ? null : capability,
    agent: agent === "" ? null : agent,
    tools: tools === "" ? [] : tools.split(","),
  };
}

/** Null where the task has no place in a rollout. */
export function parseSeat(route: string): Seat | null {
  const [, , , seat = "", tenant = ""] = route.split("|");
  if (seat === "") return null;
  const rest = seat.slice(1);
  return seat.startsWith("b")
    ? { kind: "bucket", bucket: Number(rest), tenant }
    : { kind: "shadow", rolloutId: rest, tenant };
}

/** The tool that no agent has: what needs it is for people, and waits in their inbox instead of being sent out. */
export const inboxTool = "@people";

export const isForPeople = (route: string): boolean => parseRoute(route).tools.includes(inboxTool);

/** The same route, for people alone. */
export function routeToPeople(route: string): string {
  const { capability, agent } = parseRoute(route);
  return formatRoute({ capability, agent, tools: [inboxTool] });
}

/** For people: "code_review by agent x with tools a, b". */
export function describeRoute(route: string): string {
  const { capability, agent, tools } = parseRoute(route);
  const what = capability === null ? `agent ${agent}` : `capability ${capability}`;
  const who = capability !== null && agent !== null ? ` of agent ${agent}` : "";
  return what + who + (tools.length === 0 ? "" : ` with tools ${tools.join(", ")}`);
}
