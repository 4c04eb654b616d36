import type { Event } from "@muster/sdk/protocol";
import type { ScheduledWork } from "../schedules/start-scheduled.ts";

/** The work of a trigger with the event in it, as a member of the task's input or as an input of the workflow. */
export function withEvent(document: unknown, name: string | null, event: Event): ScheduledWork {
  const { task, run } = document as ScheduledWork;
  if (name === null) return { task, run };
  if (run !== undefined) return { run: { ...run, inputs: { ...run.inputs, [name]: event } } };
  const input = (task?.input ?? {}) as Record<string, unknown>;
  return { task: { ...task, input: { ...input, [name]: event } } };
}
