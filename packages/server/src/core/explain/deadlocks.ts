import { type Deadlock, limits } from "@muster/sdk/protocol";
import type { AgentRecord } from "../../ports/agent-registry.ts";
import { matches } from "../discovery/rank.ts";
import { findCycle } from "../intake/graph.ts";
import { isRouteOf } from "../people/may-answer.ts";
import { describeRoute, formatRoute, isForPeople, parseRoute } from "../queue/route.ts";
import { readyByRoute, type WaitingEdge, waitingEdges } from "../queue/statements/ahead-of.ts";
import { listPeople } from "../queue/statements/people.ts";
import type { ExplainDependencies } from "./explain.ts";
import { findStuckSlots } from "./stuck-slots.ts";

/** Tasks named where nobody offers what they need. */
const mostNamed = 20;
/** Edges looked at in one search. */
const mostEdges = 200_000;
/** Cycles named in one search; breaking one usually breaks others. */
const mostCycles = 100;

/**
 * Finds what waits for ever: cycles, through sub-tasks too; a dependency that can't end because it is gone; a
 * capability that nobody offers; an agent all of whose slots wait for a lock whose holder needs one of them. An agent
 * that is only busy is no deadlock.
 */
export function createDeadlockSearch({ database, registry, clock }: ExplainDependencies) {
  return async function findDeadlocks(tenant: string): Promise<Deadlock[]> {
    const all = await database.query(waitingEdges, [mostEdges]);
    const edges = tenant === "*" ? all : all.filter((edge) => edge.tenant === tenant);
    const live = await registry.list(clock.now());
    const stuck = await findStuckSlots(database, live, tenant, clock.now());
    return [...cyclesIn(edges), ...lostIn(edges), ...stuck, ...(await unserved(tenant, live))];
  };

  async function unserved(tenant: string, live: readonly AgentRecord[]): Promise<Deadlock[]> {
    const groups = await database.query(readyByRoute, [tenant]);
    const people = await database.query(listPeople, [tenant, limits.peoplePerTenant]);
    const alone = groups.filter(
      (group) =>
        !isForPeople(group.route) &&
        !people.some((person) => isRouteOf(person, group.route, group.tenant)) &&
        !live.some((agent) => matches(agent, parseRoute(group.route), group.tenant)),
    );
    return [...withoutSeats(alone).values()].map((group) => ({
      kind: "no_agent",
      taskIds: group.ids,
      reason: `${group.total} ${group.total === 1 ? "task waits" : "tasks wait"} for ${describeRoute(group.route)}, which no live agent offers.`,
    }));
  }
}

/** In a rollout tasks of one capability have many routes; to whoever looks for an agent they are one. */
function withoutSeats<Group extends { route: string; tenant: string; ids: string[]; total: number }>(
  groups: readonly Group[],
): Map<string, Group> {
  const merged = new Map<string, Group>();
  for (const group of groups) {
    const name = `${formatRoute(parseRoute(group.route))} ${group.tenant}`;
    const { ids = [], total = 0 } = merged.get(name) ?? {};
    merged.set(name, {
      ...group,
      ids: [...ids, ...group.ids].slice(0, mostNamed),
      total: total + group.total,
    });
  }
  return merged;
}

function cyclesIn(edges: readonly WaitingEdge[]): Deadlock[] {
  const waitsFor = new Map<string, Set<string>>();
  for (const { id, waits_for } of edges) {
    const targets = waitsFor.get(id) ?? new Set();
    targets.add(waits_for);
    waitsFor.set(id, targets);
  }
  const found: Deadlock[] = [];
  while (found.length < mostCycles) {
    const cycle = findCycle(waitsFor.keys(), (id) => [...(waitsFor.get(id) ?? [])]);
    if (cycle === null) break;
    found.push({
      kind: "cycle",
      taskIds: cycle.slice(0, -1),
      reason: `These tasks wait for each other: ${cycle.join(" → ")}.`,
    });
    // Take the cycle apart at one edge, so that the next search finds another one.
    waitsFor.get(cycle[0] as string)?.delete(cycle[1] as string);
  }
  return found;
}

const lostIn = (edges: readonly WaitingEdge[]): Deadlock[] =>
  edges
    .filter((edge) => edge.status === null)
    .map((edge) => ({
      kind: "lost_dependency",
      taskIds: [edge.id],
      reason: `Task ${edge.id} waits for task ${edge.waits_for}, which does not exist any more.`,
    }));
