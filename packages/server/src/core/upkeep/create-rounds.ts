import { createInboxUpkeep, type InboxUpkeepDependencies } from "../people/inbox-upkeep.ts";
import { createDuty, type DutyDependencies } from "./duty.ts";
import { createPrune, type PruneDependencies } from "./prune.ts";
import { createReconcile, type ReconcileDependencies } from "./reconcile.ts";

type RoundDependencies = DutyDependencies &
  ReconcileDependencies &
  InboxUpkeepDependencies &
  PruneDependencies;

/** What upkeep does in its rounds and that stands on its own. */
export const createRounds = (deps: RoundDependencies) => ({
  duty: createDuty(deps),
  reconcile: createReconcile(deps),
  inboxDue: createInboxUpkeep(deps),
  prune: createPrune(deps),
});
