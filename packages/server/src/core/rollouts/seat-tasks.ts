import type { Database } from "../../ports/database.ts";
import { lockUnseated, seatTasks as writeSeats } from "../queue/statements/rollouts.ts";
import type { RolloutBoard } from "./rollout-board.ts";

/** Tasks that get their seat in one statement. */
const atOnce = 500;

export interface Seated {
  /** Routes on which tasks are ready now. */
  routes: string[];
  /** More may be left on the route that was asked for. */
  more: boolean;
}

/**
 * Gives seats to ready tasks that have none: those that were handed in before the rollout began, or at a node that
 * had not heard of it. The best come first, and a few hundred at a time, so that a long queue holds up nobody.
 */
export function createSeatTasks({ database, board }: { database: Database; board: RolloutBoard }) {
  return async function seatTasks(route: string): Promise<Seated> {
    const tenants = board.unseated(route);
    if (tenants === undefined) return { routes: [], more: false };
    return database.transaction(async (tx) => {
      const tasks = await tx.query(lockUnseated, [route, tenants, atOnce]);
      if (tasks.length === 0) return { routes: [], more: false };
      const seats = tasks.map((task) => ({ id: task.id, route: board.seatedRoute(route, task) }));
      const seated = await tx.query(writeSeats, [JSON.stringify(seats)]);
      return { routes: [...new Set(seated.map((task) => task.route))], more: tasks.length === atOnce };
    });
  };
}

export type SeatTasks = ReturnType<typeof createSeatTasks>;
