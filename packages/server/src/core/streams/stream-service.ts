import type { RunService, StreamService, TaskService } from "../orchestrator.ts";
import type { Streams } from "./streams.ts";

/** Lets those watch who may see the task or run itself. */
export const createStreamService = (
  streams: Streams,
  tasks: Pick<TaskService, "get">,
  runs: Pick<RunService, "get">,
): StreamService => ({
  async watch(watched, principal, onDelta) {
    if ("taskId" in watched) await tasks.get(watched.taskId, principal);
    else await runs.get(watched.runId, principal);
    return streams.watch(watched, onDelta);
  },
});
