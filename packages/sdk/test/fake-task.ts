import type { JournalEntry, TaskError, TaskStatus } from "../src/protocol/index.ts";

/** A task as the fake orchestrator keeps it. */
export interface FakeTask {
  id: string;
  capability: string | null;
  input: unknown;
  status: TaskStatus;
  attempt: number;
  maxAttempts: number;
  token: string | undefined;
  agentId: string | undefined;
  parentId: string | null;
  resumed: boolean;
  journal: JournalEntry[];
  delegations: Map<string, string[]>;
  waitsFor: { taskIds: string[]; mode: "all" | "any" } | undefined;
  output: unknown;
  error: TaskError | null;
}
