import { isFinal, type JoinPolicy, type TaskStatus } from "@muster/sdk/protocol";

export interface Need {
  id: string;
  /** Null: it is gone, so it had ended long ago. */
  status: string | null;
}

/** The dependency that keeps a task from running again, by its join policy; null where none does. */
export function unmetNeed(join: JoinPolicy, needs: readonly Need[]): Need | null {
  const met = needs.filter((need) => need.status === null || need.status === "completed");
  const over = needs.filter((need) => need.status === null || isFinal(need.status as TaskStatus));
  const runs = {
    all: met.length === needs.length,
    settled: over.length === needs.length,
    any: needs.length === 0 || met.length > 0,
  }[join];
  return runs ? null : (needs.find((need) => need.status !== "completed") ?? null);
}
