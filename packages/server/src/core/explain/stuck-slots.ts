import type { Deadlock } from "@muster/sdk/protocol";
import type { AgentRecord } from "../../ports/agent-registry.ts";
import type { Database } from "../../ports/database.ts";
import { matches } from "../discovery/rank.ts";
import { parseRoute } from "../queue/route.ts";
import { type StuckSlot, stuckSlots } from "../queue/statements/stuck-slots.ts";

/** Rows looked at in one search. */
const mostRows = 5_000;

/**
 * A wait for a lock keeps its slot. So an agent can come to a stop without any circle of tasks: each of its slots waits
 * for a lock, and whoever holds the lock waits for a slot of that agent, to go on itself or for its sub-task. It ends
 * when the first of those in line gives up; whoever is asked meanwhile says so.
 */
export async function findStuckSlots(
  database: Database,
  live: readonly AgentRecord[],
  /** Whose tasks are named; `*` for everybody's. */
  tenant: string,
  now: number,
): Promise<Deadlock[]> {
  const full = live.filter((agent) => agent.load >= agent.maxConcurrency && agent.maxConcurrency > 0);
  if (full.length === 0) return [];
  const rows = await database.query(stuckSlots, [full.map((agent) => agent.id), mostRows, now]);
  const stuck = full.filter((agent) => inLine(rows, agent).size >= agent.maxConcurrency);
  const named = new Set(stuck.map((agent) => agent.id));
  const isServed = ({ route, tenant }: StuckSlot): boolean =>
    live.some((agent) => !named.has(agent.id) && matches(agent, parseRoute(route), tenant));
  return stuck.flatMap((agent) => {
    const own = rows.filter(
      (row) =>
        row.agent_id === agent.id &&
        (tenant === "*" || row.tenant === tenant) &&
        !isServed(row) &&
        matches(agent, parseRoute(row.route), row.tenant),
    );
    const [first] = own;
    return first === undefined ? [] : [describe(agent, own, first)];
  });
}

const inLine = (rows: readonly StuckSlot[], { id }: AgentRecord): Set<string> =>
  new Set(rows.filter((row) => row.agent_id === id).map((row) => row.task_id));

function describe(agent: AgentRecord, rows: readonly StuckSlot[], first: StuckSlot): Deadlock {
  const { lock_name, holder_id, needs } = first;
  const slots = agent.maxConcurrency === 1 ? "The one slot" : `All ${agent.maxConcurrency} slots`;
  const waits = agent.maxConcurrency === 1 ? "waits" : "wait";
  const why = needs === holder_id ? "" : `, which waits for task ${needs}`;
  return {
    kind: "slots",
    taskIds: [...new Set([needs, holder_id, ...rows.map((row) => row.task_id)])],
    reason:
      `${slots} of ${agent.name} (${agent.id}) ${waits} for lock ${lock_name}, held by task ${holder_id}${why}; ` +
      "that is ready and needs a slot of the same agent. Give the agent more slots, or take the lock where nothing is waited for.",
  };
}
