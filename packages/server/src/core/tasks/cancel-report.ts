import type { CancelReport } from "@muster/sdk/protocol";
import type { EndedTask } from "../queue/statements/end-tasks.ts";

/** What a cancel stopped, for whoever asked for it. */
export function cancelReportOf(ended: readonly EndedTask[]): CancelReport {
  const cancelled = ended.filter((task) => task.status === "cancelled");
  return {
    cancelled: cancelled.map((task) => task.id),
    stopped: cancelled
      .filter((task) => task.was_leased)
      .map((task) => ({ taskId: task.id, agent: task.agent_name ?? "" })),
  };
}
