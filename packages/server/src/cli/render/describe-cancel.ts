import type { CancelReport } from "@muster/sdk/protocol";
import { printable } from "./printable.ts";

/** What a cancel stopped, as `3 tasks; told to stop: reviewer, parser`. */
export function describeCancel({ cancelled, stopped }: CancelReport): string {
  const tasks = `${cancelled.length} ${cancelled.length === 1 ? "task" : "tasks"}`;
  const agents = [...new Set(stopped.map((one) => one.agent))];
  return `${tasks}; ${agents.length === 0 ? "no agent was at work" : `told to stop: ${printable(agents.join(", "))}`}`;
}
