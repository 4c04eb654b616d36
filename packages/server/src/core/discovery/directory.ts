import type { AgentRecord, AgentRegistry, Slot, Swap } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import { isAway } from "../is-away.ts";
import type { ReadyTask } from "../queue/statements/peek-ready.ts";
import type { Breakers } from "../resilience/breakers.ts";
import type { RolloutBoard } from "../rollouts/rollout-board.ts";
import type { Seating } from "../rollouts/sides.ts";
import { createChoice } from "./choose-agent.ts";
import { noOutcomes, withOutcome } from "./health.ts";
import { type DiscoveryPolicy, freeSlots, isFit, isProbed, obstacle } from "./rank.ts";
import { createTakers } from "./route-takers.ts";

/** How much one route can take on now, and for whom. */
export interface RouteCapacity {
  route: string;
  /** Null: tasks of every tenant; else only of these. */
  tenants: string[] | null;
  free: number;
}

/** A picture of who could work at one moment; choosing from it counts against it. */
export interface Roster {
  capacity(route: string): RouteCapacity;
  /** Takes the best agent for a task, or none. The preferred one is taken if it has a slot at all. */
  choose(task: ReadyTask): AgentRecord | null;
  /** Whether a task that the agent gets is the probe of its breaker: then it gets one, and needs leave for it. */
  isProbed(agentId: string): boolean;
  /** Whether that is so of any agent. */
  hasProbed: boolean;
  /** What a claim notes of a task in a rollout; null where its route is in none. */
  count(route: string, agent: AgentRecord): RolloutCount | null;
}

export interface RolloutCount {
  rolloutId: string;
  side: string;
}

/**
 * ④ discover: finds agents by capability and ranks them. The registry says who lives and how busy they are;
 * reserving there is atomic, so a picture that is a moment old can cost a second try but never overbook.
 */
export function createDirectory(
  registry: AgentRegistry,
  clock: Clock,
  policy: DiscoveryPolicy,
  breakers: Pick<Breakers, "of">,
  rollouts: Pick<RolloutBoard, "seating" | "mustSeat" | "mayGoOn">,
) {
  const unlearned = new Map<string, boolean[]>();
  let learning = false;

  async function roster(): Promise<Roster> {
    const now = clock.now();
    const live = await registry.list(now);
    const seats = new Map<string, AgentRecord>();
    const probed = new Set<string>();
    for (const agent of live) {
      const breaker = breakers.of(agent.id);
      if (obstacle(agent, policy, now, breaker) !== null) continue;
      seats.set(agent.id, { ...agent });
      if (isProbed(breaker)) probed.add(agent.id);
    }
    const isFitNow = (agent: AgentRecord) => isFit(agent, policy, now, breakers.of(agent.id));
    const choose = createChoice({ live, policy, now, isFit: isFitNow, isProbed: (id) => probed.has(id) });
    const lookUp = createTakers({ live, usable: seats, isFit: isFitNow, rollouts });

    const roomOf = (agent: AgentRecord): number =>
      Math.min(freeSlots(agent, policy), probed.has(agent.id) ? 1 : Number.POSITIVE_INFINITY);

    return {
      capacity(key) {
        const { agents } = lookUp(key);
        const open = agents.some((agent) => agent.tenant === "*" && roomOf(agent) > 0);
        return {
          route: key,
          tenants: open ? null : [...new Set(agents.map((agent) => agent.tenant))],
          free: agents.reduce((sum, agent) => sum + roomOf(agent), 0),
        };
      },
      choose(task) {
        const takers = lookUp(task.route);
        // Its tenant's tasks must get their seats in a rollout first.
        if (takers.seating === null && rollouts.mustSeat(task.route, task.tenant)) return null;
        const best = goesOn(task, takers.seating) ?? choose(task, takers);
        if (best === null) return null;
        // Whoever is probed gets one task, and no second one from this picture.
        best.load = probed.has(best.id) ? best.maxConcurrency : best.load + 1;
        return best;
      },
      isProbed: (agentId) => probed.has(agentId),
      hasProbed: probed.size > 0,
      count(key, agent) {
        const { seating } = lookUp(key);
        const side = seating?.countsFor(agent) ?? null;
        return seating === null || side === null ? null : { rolloutId: seating.rolloutId, side };
      },
    };

    /** The agent that began an attempt finishes it, even if its key is on the other side by now. */
    function goesOn({ preferred_agent, tenant }: ReadyTask, seating: Seating | null): AgentRecord | null {
      const agent = preferred_agent === null ? undefined : seats.get(preferred_agent);
      if (agent === undefined || seating === null || !seating.mayGoOn(agent)) return null;
      const mine = agent.tenant === "*" || agent.tenant === tenant;
      return mine && agent.load < agent.maxConcurrency ? agent : null;
    }
  }

  return {
    roster,
    reserve: (slots: readonly Slot[]) => registry.reserve(slots, clock.now()),
    release: (slots: readonly Slot[]) => registry.release(slots),
    swap: (swaps: readonly Swap[]) => registry.swap(swaps),
    /** Whether an agent may take another task in the slot of one that it finished. */
    mayGoOn: (agent: AgentRecord) =>
      (breakers.of(agent.id)?.state ?? "closed") === "closed" &&
      isFit(agent, policy, clock.now(), undefined) &&
      rollouts.mayGoOn(agent),
    /** What the agent did before is not held against it any more: its breaker was closed. */
    forgive(agentId: string): void {
      registry.recordOutcome(agentId, noOutcomes(clock.now())).catch((error: unknown) => {
        if (!isAway(error)) throw error;
      });
    },
    /** Learns from a real outcome of an agent. */
    recordOutcome(agentId: string, success: boolean): void {
      const outcomes = unlearned.get(agentId);
      if (outcomes !== undefined) outcomes.push(success);
      else unlearned.set(agentId, [success]);
      if (!learning) void learn();
    },
  };

  /** Takes in what has gathered, agent by agent, so that no outcome overwrites another. */
  async function learn(): Promise<void> {
    learning = true;
    await Promise.resolve();
    try {
      for (const [agentId, outcomes] of unlearned) {
        unlearned.delete(agentId);
        const agent = await registry.get(agentId);
        if (agent === undefined) continue;
        const now = clock.now();
        const weights = outcomes.reduce((sum, success) => withOutcome(sum, success, now), agent.outcomes);
        await registry.recordOutcome(agentId, weights);
      }
    } catch (error) {
      // Health is an impression: what can't be noted down is forgotten.
      if (!isAway(error)) throw error;
      unlearned.clear();
    } finally {
      learning = false;
    }
  }
}

export type Directory = ReturnType<typeof createDirectory>;
