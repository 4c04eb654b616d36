import type { Log } from "../../ports/log.ts";
import type { Announce } from "../aftermath.ts";
import type { Settle } from "../completion/settle.ts";
import type { BreakerRow } from "../queue/statements/breakers.ts";
import type { ClaimedTask } from "../queue/statements/claim.ts";
import type { Dispatcher } from "./dispatcher.ts";

const undelivered = {
  code: "undelivered",
  message: "The task could not be sent to the agent that it was leased to.",
};

/** What follows from what dispatch does: leases end, breakers are probed, tasks that reached nobody are given back. */
export const hearDispatch = (announce: Announce, log: Log, settle: Settle) => ({
  onLeased: (dueAt: number): void => announce({ dueAt }),
  onProbed: (rows: readonly BreakerRow[]): void => announce({ breakers: rows }),
  onUnsent: ({ id: taskId, token, agent_id: agentId }: ClaimedTask): void =>
    void settle({ taskId, token, agentId, outcome: { status: "undelivered", error: undelivered } }).catch(
      (error: unknown) => log.warn({ error, taskId }, "A task was not given back; its lease will end."),
    ),
});

/** What follows when somebody new could take work. */
export const lookForWork = (dispatcher: Dispatcher, log: Log) => (): void =>
  void dispatcher.refresh().catch((error) => log.warn({ error }, "Ready work was not looked up."));
