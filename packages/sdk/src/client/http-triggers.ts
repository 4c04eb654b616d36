import type { Calls } from "./create-client.ts";
import type { TriggerClient } from "./trigger-client.ts";

const pathOf = (trigger: string): string => `/v1/triggers/${encodeURIComponent(trigger)}`;

/** Triggers over HTTP. */
export const createTriggerClient = ({
  get,
  post,
  remove,
}: Pick<Calls, "get" | "post" | "remove">): TriggerClient => ({
  create: (request, { dryRun = false } = {}) => post(`/v1/triggers${dryRun ? "?dryRun=true" : ""}`, request),
  list: (filter = {}) => get("/v1/triggers", { ...filter }),
  get: (trigger) => get(pathOf(trigger)),
  pause: (trigger) => post(`${pathOf(trigger)}/pause`),
  resume: (trigger) => post(`${pathOf(trigger)}/resume`),
  delete: (trigger) => remove(pathOf(trigger)),
});
