import type { Calls } from "./create-client.ts";
import { pathOf } from "./path-of.ts";
import type { ScheduleClient } from "./schedule-client.ts";

/** Schedules over HTTP. */
export const createScheduleClient = ({ get, post, remove }: Calls): ScheduleClient => ({
  create: (request, { dryRun = false } = {}) => post(`/v1/schedules${dryRun ? "?dryRun=true" : ""}`, request),
  list: (filter = {}) => get("/v1/schedules", { ...filter }),
  get: (schedule) => get(pathOf("schedules", schedule)),
  pause: (schedule) => post(`${pathOf("schedules", schedule)}/pause`),
  resume: (schedule) => post(`${pathOf("schedules", schedule)}/resume`),
  run: (schedule) => post(`${pathOf("schedules", schedule)}/run`),
  delete: (schedule) => remove(pathOf("schedules", schedule)),
});
