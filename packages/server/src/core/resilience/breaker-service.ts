import {
  type Breaker,
  BreakerClosing,
  BreakerOpening,
  type BreakerState,
  MusterError,
} from "@muster/sdk/protocol";
import type { AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import type { BreakerService, Principal } from "../orchestrator.ts";
import { type BreakerRow, findBreaker, readBreakers } from "../queue/statements/breakers.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";
import { parse } from "../validate.ts";
import { closeBreaker, type Breaker as Machine, openByHand } from "./breaker.ts";
import type { Breakers } from "./breakers.ts";

/** Breakers in one listing, those of live agents aside. */
const mostListed = 1_000;

export interface BreakerServiceDependencies {
  database: Database;
  registry: AgentRegistry;
  clock: Clock;
  announce: Announce;
  breakers: Pick<Breakers, "hold">;
}

/** Breakers for whoever asks, and for operators who know better. */
export function createBreakerService(deps: BreakerServiceDependencies): BreakerService {
  const { database, registry, clock, announce, breakers } = deps;

  async function find(agentId: string, principal: Principal): Promise<BreakerRow> {
    const [row] = await database.query(findBreaker, [agentId]);
    if (row === undefined || !isVisible(row.tenant, principal)) throw unknown(agentId);
    return row;
  }

  async function set(
    agentId: string,
    principal: Principal,
    move: (breaker: Machine, now: number) => Machine,
    reason: string | null,
  ): Promise<Breaker> {
    if (principal.role !== "admin")
      throw new MusterError("forbidden", "Only an admin may open or close breakers.");
    const { tenant } = await find(agentId, principal);
    if (principal.tenant !== "*" && tenant !== principal.tenant) {
      throw new MusterError("forbidden", `The agent ${agentId} works for all tenants.`, {
        hint: "Only an admin of all tenants may open or close its breaker.",
      });
    }
    const now = clock.now();
    const rows = await database.transaction(async (tx) => {
      const held = await breakers.hold(tx, [agentId], now);
      held.set(agentId, (breaker) => move(breaker, now), { by: principal.name, reason });
      return held.save();
    });
    announce({ breakers: rows });
    return viewOf(await find(agentId, principal));
  }

  return {
    async list({ state }, principal) {
      const rows = await database.query(readBreakers, [principal.tenant, mostListed]);
      const known = new Set(rows.map((row) => row.agent_id));
      const others = (await registry.list(clock.now()))
        .filter((agent) => !known.has(agent.id) && isVisible(agent.tenant, principal))
        .map((agent) => unmoved(agent.id, agent.name));
      return [...rows.map(viewOf), ...others]
        .filter((breaker) => state === undefined || breaker.state === state)
        .sort(
          (a, b) =>
            order[a.state] - order[b.state] || b.failures - a.failures || compareText(a.agentId, b.agentId),
        );
    },
    get: async (agentId, principal) => viewOf(await find(agentId, principal)),
    async open(agentId, request, principal) {
      const { reason, forMs } = parse(BreakerOpening, request, "The request");
      return set(
        agentId,
        principal,
        (breaker, now) => openByHand(breaker, now, forMs === undefined ? null : now + forMs),
        reason,
      );
    },
    async close(agentId, request, principal) {
      const { reason } = parse(BreakerClosing, request, "The request");
      return set(agentId, principal, closeBreaker, reason ?? null);
    },
  };
}

const order: Record<BreakerState, number> = { open: 0, half_open: 1, closed: 2 };
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const isVisible = (tenant: string, principal: Principal): boolean =>
  principal.tenant === "*" || tenant === "*" || tenant === principal.tenant;

const unknown = (agentId: string): MusterError =>
  new MusterError("not_found", `There is no agent ${agentId}.`, { hint: "See them with: muster agents" });

const unmoved = (agentId: string, agent: string): Breaker => ({
  agentId,
  agent,
  state: "closed",
  failures: 0,
  timeouts: 0,
  openings: 0,
  changedAt: null,
  retryAt: null,
  probing: false,
  cause: null,
  by: null,
  reason: null,
});

function viewOf(row: BreakerRow): Breaker {
  return {
    agentId: row.agent_id,
    agent: row.agent_name,
    state: row.state,
    failures: row.memory.failedAt?.length ?? 0,
    timeouts: row.memory.timedOutAt?.length ?? 0,
    openings: row.openings,
    changedAt: isoTime(row.changed_at),
    retryAt: isoTimeOrNull(row.retry_at),
    probing: row.probe !== null,
    cause: row.cause,
    by: row.set_by,
    reason: row.reason,
  };
}
