import type { AgentRecord } from "../../ports/agent-registry.ts";
import { parseRoute, parseSeat, type Route } from "../queue/route.ts";
import type { RolloutBoard } from "../rollouts/rollout-board.ts";
import type { Seating } from "../rollouts/sides.ts";
import { matches } from "./rank.ts";

/** Who may take tasks of one route. */
export interface Takers {
  route: Route;
  /** Null where the route is in no rollout. */
  seating: Seating | null;
  /** Those of them that could take something now. */
  agents: AgentRecord[];
  /** Whether an agent that matches the route is one of them, be it busy. */
  mayTake: (agent: AgentRecord) => boolean;
}

export interface TakerDependencies {
  /** Everybody who is here, busy or not. */
  live: readonly AgentRecord[];
  /** Those who could take something now. */
  usable: ReadonlyMap<string, AgentRecord>;
  isFit: (agent: AgentRecord) => boolean;
  rollouts: Pick<RolloutBoard, "seating">;
}

const anybody = (): boolean => true;

/** Finds who may take tasks of a route: all who match it, and in a rollout those of one side. */
export function createTakers({ live, usable, isFit, rollouts }: TakerDependencies) {
  const found = new Map<string, Takers>();

  /** The agents of a side, or those that stand in for it while nobody of it is healthy and here. */
  function takerOf(key: string, route: Route, { isSeated, mayStandIn }: Seating): Takers["mayTake"] {
    const tenant = parseSeat(key)?.tenant;
    const isThere = (agent: AgentRecord) => isSeated(agent) && matches(agent, route, tenant) && isFit(agent);
    return mayStandIn === null || live.some(isThere) ? isSeated : mayStandIn;
  }

  return function takersOf(key: string): Takers {
    const known = found.get(key);
    if (known !== undefined) return known;
    const route = parseRoute(key);
    const seating = rollouts.seating(key);
    const mayTake = seating === null ? anybody : takerOf(key, route, seating);
    const agents = [...usable.values()].filter((agent) => matches(agent, route) && mayTake(agent));
    const takers = { route, seating, agents, mayTake };
    found.set(key, takers);
    return takers;
  };
}
