import { MusterError } from "@muster/sdk/protocol";

/** The refusal of whatever an agent reports of a task that is not its own any more. */
export const leaseLost = (taskId: string) =>
  new MusterError(
    "lease_lost",
    `The lease on task ${taskId} is not live: it ended, was cancelled or went to another agent.`,
    {
      hint: "Stop work on it; nothing more is accepted.",
    },
  );
