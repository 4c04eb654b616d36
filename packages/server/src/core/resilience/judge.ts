import type { TaskError } from "@muster/sdk/protocol";
import type { Outcome } from "../completion/settle.ts";
import type { CallOutcome } from "./breaker.ts";

const blamelessCodes = new Set(["invalid_input", "cancelled", "deadline", "budget_reached"]);

/** Failures that say nothing about the agent that reported them: another task, or the submitter, is to blame. */
export const isBlameless = (error: TaskError): boolean =>
  error.taskId !== undefined || blamelessCodes.has(error.code);

/** The agent was gone. Whether it is there is the registry's to say, and one crash would count for every task it held. */
const absentCodes = new Set(["agent_lost", "agent_left", "lease_expired"]);

/** What an attempt says to the breaker of its agent. */
export function judge(outcome: Outcome): CallOutcome["kind"] {
  if (outcome.status === "completed") return "success";
  if (outcome.status === "undelivered" || isBlameless(outcome.error) || absentCodes.has(outcome.error.code))
    return "nothing";
  return outcome.error.code === "timeout" ? "timeout" : "failure";
}
