import type { Event, TriggerCondition, TriggerOn } from "@muster/sdk/protocol";

/** Whether an event fulfils all conditions. A place that is not there fulfils none. */
export const matchEvent = (event: Event, where: TriggerOn["where"] = {}): boolean =>
  Object.entries(where).every(([place, condition]) => fulfils(valueAt(event, place), condition));

function valueAt(event: Event, place: string): unknown {
  let value: unknown = event;
  for (const key of place.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function fulfils(value: unknown, condition: TriggerCondition): boolean {
  if (Array.isArray(condition)) return condition.some((one) => one === value);
  if (typeof condition !== "object") return condition === value;
  return typeof value === "string" && value.startsWith(condition.prefix);
}
