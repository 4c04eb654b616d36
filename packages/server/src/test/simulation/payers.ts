import type { Budget } from "@muster/sdk/protocol";
import type { Principal } from "../../core/orchestrator.ts";
import type { CallNode } from "./schedulers.ts";
import { roomFor } from "./spending.ts";
import type { World } from "./world.ts";

/** What a budget was given to. */
export interface Paid {
  what: "tasks" | "runs";
  id: string;
  tenant: string;
  budget: Budget;
}

/** How far back payers look for a budget to raise. */
const recent = 8;
const most = 120;

/** People who gave budgets, and who raise them now and then, needed or not. */
export function createPayers(world: World, call: CallNode, principalOf: (tenant: string) => Principal) {
  const { chance, note } = world;
  const paid: Paid[] = [];

  return {
    remember: (...budgets: Paid[]): void => void paid.push(...budgets),
    async raise(): Promise<void> {
      if (paid.length === 0) return;
      const { what, id, tenant, budget } = chance.pick(paid.slice(-recent));
      const { onReached, ...limits } = budget;
      const add = roomFor(limits, chance.int(1, most));
      await call((o) => o[what].resume(id, { add }, principalOf(tenant)) as Promise<unknown>);
      note(`raised the budget of ${id}`);
    },
  };
}
