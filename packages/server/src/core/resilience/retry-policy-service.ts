import { MusterError, Name, type RetryPolicySetting, RetryPolicyUpdate } from "@muster/sdk/protocol";
import Type from "typebox";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import type { Principal, RetryPolicyService } from "../orchestrator.ts";
import {
  listRetryPolicies,
  type RetryPolicyRow,
  removeRetryPolicy,
  setRetryPolicy,
} from "../queue/statements/retry-policies.ts";
import { isoTime } from "../task-view.ts";
import { parse, payloadText } from "../validate.ts";
import { refuseBadRetry } from "./retry-policy.ts";

const TenantName = Type.Union([Type.Literal("*"), Name]);

export interface RetryPolicyDependencies {
  database: Database;
  clock: Clock;
  announce: Announce;
}

/** The operator's word on retries. It holds from the next failure on, for tasks that are there already, too. */
export function createRetryPolicyService(deps: RetryPolicyDependencies): RetryPolicyService {
  const { database, clock, announce } = deps;

  return {
    async list(principal) {
      return (await database.query(listRetryPolicies, [principal.tenant])).map(settingOf);
    },
    async get(capability, principal, tenant) {
      const wanted = tenantFor(principal, tenant);
      const rows = (await database.query(listRetryPolicies, [principal.tenant])).filter(
        (row) => row.capability === capability && (row.tenant === wanted || row.tenant === "*"),
      );
      // What is set for the tenant goes before what is set for all.
      const row = rows.find((one) => one.tenant === wanted) ?? rows[0];
      if (row === undefined) throw nothingSet(capability, wanted);
      return settingOf(row);
    },
    async set(capability, update, principal) {
      requireAdmin(principal);
      parse(Name, capability, "The capability");
      const { tenant, policy = {}, budget } = parse(RetryPolicyUpdate, update, "The setting");
      const owner = tenantFor(principal, tenant);
      if (update.policy === undefined && update.budget === undefined)
        throw new MusterError("invalid_request", "The setting says nothing.", {
          hint: 'Give it a "policy", a "budget" or both.',
        });
      refuseBadRetry(policy, "policy");
      const [row] = await database.query(setRetryPolicy, [
        owner,
        capability,
        payloadText(policy, "The policy"),
        budget === undefined ? null : payloadText(budget, "The budget"),
        clock.now(),
        principal.name,
      ]);
      announce({});
      return settingOf(row as RetryPolicyRow);
    },
    async remove(capability, principal, tenant) {
      requireAdmin(principal);
      const owner = tenantFor(principal, tenant);
      const parameters = [owner, capability, clock.now(), principal.name];
      const [row] = await database.query(removeRetryPolicy, parameters);
      if (row === undefined) throw nothingSet(capability, owner);
      announce({});
      return settingOf(row);
    },
  };
}

function requireAdmin({ role }: Principal): void {
  if (role !== "admin")
    throw new MusterError("forbidden", "Only an admin may change what holds for retries.");
}

function tenantFor(principal: Principal, wanted: string | undefined): string {
  if (wanted !== undefined) parse(TenantName, wanted, "The tenant");
  if (principal.tenant === "*") return wanted ?? "*";
  if (wanted === undefined || wanted === principal.tenant) return principal.tenant;
  throw new MusterError("forbidden", `A key of ${principal.tenant} can't act for another tenant.`, {
    hint: "Leave the tenant out, or use an admin key of the tenant *.",
  });
}

const nothingSet = (capability: string, tenant: string): MusterError =>
  new MusterError(
    "not_found",
    `Nothing is set for retries of ${capability}${tenant === "*" ? "" : ` in ${tenant}`}.`,
    {
      hint: "See what is set with: muster retry-policy list",
    },
  );

const settingOf = (row: RetryPolicyRow): RetryPolicySetting => ({
  capability: row.capability,
  tenant: row.tenant,
  policy: row.policy,
  budget: row.budget,
  setAt: isoTime(row.set_at),
  setBy: row.set_by,
});
