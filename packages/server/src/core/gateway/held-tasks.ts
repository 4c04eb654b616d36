import type { TaskAssignment } from "@muster/sdk/protocol";
import { limits } from "@muster/sdk/protocol";

/**
 * Which capability an agent's live tasks are for, so that a result can be checked against its schema without
 * asking the database. Only what this node handed over; a result of anything else is looked up.
 */
export class HeldTasks {
  readonly #capabilities = new Map<string, string | null>();

  note(assignment: TaskAssignment): void {
    this.#capabilities.set(assignment.taskId, assignment.capability);
    if (this.#capabilities.size > limits.agentConcurrency * 2) {
      this.#capabilities.delete(this.#capabilities.keys().next().value as string);
    }
  }

  capabilityOf(taskId: string): string | null | undefined {
    return this.#capabilities.get(taskId);
  }

  forget(taskId: string): void {
    this.#capabilities.delete(taskId);
  }
}
