import type { JournalEntry, Message, TaskAssignment } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { MessageBus } from "../../ports/message-bus.ts";
import type { ClaimedTask } from "../queue/statements/claim.ts";
import { readJournals } from "../queue/statements/journal.ts";
import { isoTime, priorityName } from "../task-view.ts";

export interface SendDependencies {
  database: Database;
  bus: MessageBus;
  clock: Clock;
  ids: Ids;
  log: Log;
  /** Told of a task that did not reach its agent. */
  onUnsent: (task: ClaimedTask) => void;
}

/** Sends leased tasks to the agents that hold them, with the journal of what was done before. */
export function createSendTasks({ database, bus, clock, ids, log, onUnsent }: SendDependencies) {
  async function loadJournals(tasks: readonly ClaimedTask[]): Promise<Map<string, JournalEntry[]>> {
    const journals = new Map<string, JournalEntry[]>();
    // An attempt that was given back, as under a budget, does not count: what comes next is the first one again.
    const again = tasks
      .filter((task) => task.attempt > 1 || task.resumed || task.tried)
      .map((task) => task.id);
    if (again.length === 0) return journals;
    for (const { task_id, key, value } of await database.query(readJournals, [again])) {
      const entries = journals.get(task_id) ?? [];
      entries.push({ key, value });
      journals.set(task_id, entries);
    }
    return journals;
  }

  return async function sendTasks(tasks: readonly ClaimedTask[]): Promise<void> {
    const journals = await loadJournals(tasks);
    const sentAt = isoTime(clock.now());
    for (const task of tasks) {
      const message: Message = {
        id: ids.next(),
        type: "task_request",
        from: "orchestrator",
        to: task.agent_id,
        taskId: task.id,
        correlationId: task.token,
        payload: assignmentOf(task, journals.get(task.id) ?? []),
        sentAt,
      };
      bus.send(message, task.priority).catch((error: unknown) => {
        log.warn({ error, taskId: task.id, agentId: task.agent_id }, "A task could not be sent.");
        onUnsent(task);
      });
    }
  };
}

function assignmentOf(task: ClaimedTask, journal: JournalEntry[]): TaskAssignment {
  return {
    taskId: task.id,
    leaseToken: task.token,
    capability: task.capability,
    input: task.input,
    priority: priorityName(task.priority),
    attempt: task.attempt,
    maxAttempts: task.max_attempts,
    timeoutAt: isoTime(task.timeout_at),
    runId: task.run_id,
    parentId: task.parent_id,
    resumed: task.resumed,
    journal,
  };
}
