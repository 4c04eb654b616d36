import { findCycle } from "../intake/graph.ts";
import type { WaitRow } from "../queue/statements/deadlocks.ts";

/** What is done about tasks that wait for each other. */
export type DeadlockPolicy = "fail-youngest" | "fail-cheapest" | "report";

/** A task, and everything that it waits for. */
export interface Waiting {
  id: string;
  tenant: string;
  priority: number;
  startedAt: number | null;
  edges: WaitRow[];
}

export type WaitGraph = ReadonlyMap<string, Waiting>;

export function graphOf(rows: readonly WaitRow[]): WaitGraph {
  const graph = new Map<string, Waiting>();
  for (const row of rows) {
    const { id, tenant, priority, started_at: startedAt } = row;
    const node = graph.get(id) ?? { id, tenant, priority, startedAt, edges: [] };
    if (row.waits_for !== null) node.edges.push(row);
    graph.set(id, node);
  }
  return graph;
}

/** A circle of tasks that wait for each other, each for the next one; null where there is none. */
export function circleIn(graph: WaitGraph): Waiting[] | null {
  const targets = (id: string): string[] =>
    (graph.get(id)?.edges ?? []).map((edge) => edge.waits_for as string);
  const cycle = findCycle([...graph.keys()].sort(), targets);
  return cycle === null ? null : cycle.slice(0, -1).map((id) => graph.get(id) as Waiting);
}

/**
 * Who gives way: the youngest task, or the one that has worked for the shortest time, and of these the youngest. The same
 * for the same circle, wherever it is found.
 */
export function victimOf(circle: readonly Waiting[], policy: DeadlockPolicy, now: number): Waiting {
  const workMs = ({ startedAt }: Waiting): number => (startedAt === null ? 0 : now - startedAt);
  const [first] = [...circle].sort((a, b) => {
    const cheaper = policy === "fail-cheapest" ? workMs(a) - workMs(b) : 0;
    return cheaper || (a.id < b.id ? 1 : -1);
  });
  return first as Waiting;
}

/** In words, from the one that gives way around to itself: "A waits for sub-task B → …". */
export function pathOf(circle: readonly Waiting[], from: Waiting): string {
  const at = circle.indexOf(from);
  const turned = [...circle.slice(at), ...circle.slice(0, at)];
  const words = turned.map((task, index) => {
    const next = (turned[index + 1] ?? turned[0]) as Waiting;
    const edge = task.edges.find((one) => one.waits_for === next.id);
    const how = {
      need: "needs",
      wait: "waits for its sub-task",
      lock: `waits for lock ${edge?.lock_name}, held by`,
    };
    return `task ${task.id} ${how[edge?.kind ?? "need"]}`;
  });
  return `${words.join(" ")} task ${from.id}`;
}

/** The priorities that tasks inherit from those that wait for them, as far as they are higher than their own. */
export function inherited(graph: WaitGraph): { id: string; priority: number }[] {
  const best = new Map<string, number>();
  const byPriority = [...graph.values()].sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
  for (const root of byPriority) {
    const open = [root.id];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (best.has(id)) continue;
      best.set(id, root.priority);
      open.push(...(graph.get(id)?.edges ?? []).map((edge) => edge.waits_for as string));
    }
  }
  return [...best]
    .filter(([id, priority]) => priority > (graph.get(id)?.priority ?? priority))
    .map(([id, priority]) => ({ id, priority }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
