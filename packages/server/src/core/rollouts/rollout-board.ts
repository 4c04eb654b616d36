import type { AgentRecord } from "../../ports/agent-registry.ts";
import type { Database } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { Subscription } from "../../ports/message-bus.ts";
import type { Signals } from "../../ports/signals.ts";
import { isAway } from "../is-away.ts";
import { formatRoute, parseRoute, parseSeat, type Seat } from "../queue/route.ts";
import { holdingRollouts, type RolloutRow } from "../queue/statements/rollouts.ts";
import { bucketOf, rolloutKeyOf } from "./bucket.ts";
import { type Seating, seatingOf, sideOf, weightOf } from "./sides.ts";

/** Rollouts that hold at once. */
export const mostRollouts = 1_000;
const topic = "rollouts";
/** How often a node that starts tries to read them. */
const mostTries = 3;

/** What decides on the place of a task in a rollout. */
export interface SeatableTask {
  id: string;
  tenant: string;
  run_id: string | null;
  rollout_key: string | null;
}

/**
 * What this node knows of the rollouts that hold: who of which side may take what. The rows are the truth; this is a
 * copy of them, taken anew when this node or another changes one, and every few seconds in case that was not heard.
 * Without rollouts every question is answered by one look at an empty map.
 */
export function createRolloutBoard(deps: { database: Database; log: Log; signals?: Signals }) {
  const { database, log, signals } = deps;
  let held = new Map<string, Map<string, RolloutRow>>();
  let subscription: Subscription | null = null;
  let onChange = (): void => {};
  let running: RolloutRow[] = [];
  let seen = "[]";
  let looks = 0;
  let newestLook = 0;

  const find = (capability: string, tenant: string): RolloutRow | undefined => {
    const tenants = held.get(capability);
    return tenants?.get(tenant) ?? tenants?.get("*");
  };

  /** Looks at the rows again. Whoever waits for work hears of a change. */
  async function reload(): Promise<void> {
    const look = ++looks;
    const rows = await database.query(holdingRollouts, [mostRollouts]);
    // One that was begun later has been faster, and knows better.
    if (look < newestLook) return;
    newestLook = look;
    const now = JSON.stringify(rows);
    if (now === seen) return;
    seen = now;
    const next: typeof held = new Map();
    for (const row of rows) {
      next.set(row.capability, (next.get(row.capability) ?? new Map()).set(row.tenant, row));
    }
    held = next;
    running = rows.filter((row) => row.status === "running");
    onChange();
  }

  const hear = (): void =>
    void reload().catch((error: unknown) =>
      log.warn({ error }, "Rollouts were not read again; they are in a few seconds."),
    );

  const seatOf = (task: SeatableTask): Seat => ({
    kind: "bucket",
    bucket: bucketOf(rolloutKeyOf(task)),
    tenant: task.tenant,
  });

  /** The tenants whose tasks on a route must get a seat first, null for all; undefined where none must. */
  function unseated(route: string): string[] | null | undefined {
    if (held.size === 0 || parseSeat(route) !== null) return undefined;
    const { capability, agent } = parseRoute(route);
    const tenants = capability === null || agent !== null ? undefined : held.get(capability);
    if (tenants === undefined) return undefined;
    return tenants.has("*") ? null : [...tenants.keys()];
  }

  return {
    find,
    reload,
    /** The rollouts that are under way. */
    running: (): readonly RolloutRow[] => running,
    /** Tells the other nodes that a row changed, after this one has looked at it. */
    async changed(): Promise<void> {
      signals?.publish(topic, null);
      await reload();
    },
    /** Gives new tasks their places, before they are written. */
    seat(
      tasks: readonly (SeatableTask & {
        capability: string | null;
        requested_agent: string | null;
        tools: string[];
        route: string;
      })[],
    ): void {
      if (held.size === 0) return;
      for (const task of tasks) {
        const { capability, requested_agent: agent, tools } = task;
        if (capability === null || agent !== null || parseSeat(task.route)?.kind === "shadow") continue;
        const plain = { capability, agent, tools };
        const rollout = find(capability, task.tenant);
        task.route = formatRoute(plain, rollout === undefined ? undefined : seatOf(task));
      }
    },
    unseated,
    /** Whether a task must get a seat before anybody may have it. */
    mustSeat(route: string, tenant: string): boolean {
      const tenants = unseated(route);
      return tenants === null || tenants?.includes(tenant) === true;
    },
    seatedRoute: (route: string, task: SeatableTask): string => formatRoute(parseRoute(route), seatOf(task)),
    /** Who may take tasks of a route; null: everybody who matches. */
    seating(route: string): Seating | null {
      const seat = parseSeat(route);
      if (seat === null) return null;
      const { capability } = parseRoute(route);
      const rollout = find(capability ?? "", seat.tenant);
      if (seat.kind === "bucket") return rollout === undefined ? null : seatingOf(rollout, seat);
      const own = rollout?.id === seat.rolloutId ? rollout : undefined;
      return own === undefined ? nobody(seat.rolloutId) : seatingOf(own, seat);
    },
    /**
     * Whether an agent may be handed the next task of a chain without a look at the route. Not while one of its
     * capabilities is in a rollout: keys may have changed sides since its task was handed out.
     */
    mayGoOn(agent: AgentRecord): boolean {
      if (held.size === 0) return true;
      return agent.capabilities.every(({ name }) =>
        [...(held.get(name)?.values() ?? [])].every(
          (row) =>
            row.status !== "running" && sideOf(agent, row) === (weightOf(row) > 0 ? "candidate" : "baseline"),
        ),
      );
    },
    async start(changed: () => void): Promise<void> {
      onChange = changed;
      subscription = (await signals?.subscribe(topic, hear)) ?? null;
      signals?.onGap(hear);
      // A node starts without its database, too: upkeep looks again before it looks for work.
      for (let tries = 1; ; tries++) {
        try {
          return await reload();
        } catch (error) {
          if (!isAway(error)) throw error;
          if (tries >= mostTries)
            return log.warn({ error }, "Rollouts could not be read; they will be soon.");
        }
      }
    },
    async stop(): Promise<void> {
      await subscription?.end();
      subscription = null;
    },
  };
}

export type RolloutBoard = ReturnType<typeof createRolloutBoard>;

/** The shadow of a rollout that is over: its copies are about to be cancelled. */
const nobody = (rolloutId: string): Seating => ({
  rolloutId,
  countsFor: () => "shadow",
  isSeated: () => false,
  mayStandIn: null,
  mayGoOn: () => false,
});
