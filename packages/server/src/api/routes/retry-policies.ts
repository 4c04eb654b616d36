import { limits, RetryPolicySetting, RetryPolicyUpdate } from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { listOf } from "../operation.ts";
import { FilterText } from "./request-schemas.ts";

const tag = "retries";
const writers = ["admin"] as const;
const readers = ["admin", "client"] as const;

const CapabilityName = Type.Object(
  { capability: Type.String({ minLength: 1, maxLength: limits.nameLength }) },
  { additionalProperties: false },
);
const TenantQuery = Type.Object({ tenant: FilterText }, { additionalProperties: false });

export function addRetryPolicyRoutes(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { retryPolicies } = orchestrator;
  const address = "/v1/retry-policies/:capability";
  app.get(
    "/v1/retry-policies",
    operation({
      id: "listRetryPolicies",
      tag,
      access: readers,
      summary: "What is set for retries of capabilities, for all tenants and for this one.",
      answer: { status: 200, schema: listOf(RetryPolicySetting) },
    }),
    async ({ principal }) => ({ items: await retryPolicies.list(principal) }),
  );
  app.get(
    address,
    operation({
      id: "getRetryPolicy",
      tag,
      access: readers,
      summary: "What is set for retries of one capability.",
      params: CapabilityName,
      querystring: TenantQuery,
      answer: { status: 200, schema: RetryPolicySetting },
    }),
    ({ params, query, principal }) => retryPolicies.get(params.capability, principal, query.tenant),
  );
  app.put(
    address,
    operation({
      id: "setRetryPolicy",
      tag,
      access: writers,
      summary:
        "Set the policy, the budget or both for retries of a capability, in place of what was set before.",
      params: CapabilityName,
      body: RetryPolicyUpdate,
      answer: { status: 200, schema: RetryPolicySetting },
    }),
    ({ params, body, principal }) => retryPolicies.set(params.capability, body, principal),
  );
  app.delete(
    address,
    operation({
      id: "removeRetryPolicy",
      tag,
      access: writers,
      summary: "Leave retries of a capability to its agents and to the defaults again.",
      params: CapabilityName,
      querystring: TenantQuery,
      answer: { status: 200, schema: RetryPolicySetting },
    }),
    ({ params, query, principal }) => retryPolicies.remove(params.capability, principal, query.tenant),
  );
}
