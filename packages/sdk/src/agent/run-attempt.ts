import { type AgentRequest, MusterError, type TaskError } from "../protocol/index.ts";
import type { Attempt } from "./attempt.ts";
import { type ContextHost, createContext } from "./attempt-context.ts";
import type { CapabilityTable } from "./capability-table.ts";
import type { CheckFault } from "./compile-check.ts";
import { clip, toTaskError } from "./task-error.ts";
import { toJson } from "./to-json.ts";

type Outcome = AgentRequest<"settle">["outcome"];

export interface RunHost extends ContextHost {
  capabilities: CapabilityTable;
  onProblem: (problem: Error) => void;
}

/**
 * The life of one attempt, from the checked input over the handler to the settled result. Never rejects: what
 * goes wrong is the outcome. An attempt whose lease is lost ends without a word.
 */
export const runAttempt = async (attempt: Attempt, host: RunHost): Promise<void> => {
  // Not within the delivery of the message: a handler must not hold up whoever hands out the work.
  const outcome = await Promise.resolve().then(() => perform(attempt, host));
  attempt.handlerEnded();
  if (attempt.gone === undefined) {
    host.reports.finish(attempt);
    host.streams.finish(attempt);
    await settle(attempt, outcome, host.onProblem);
  }
  attempt.end();
};

const perform = async (attempt: Attempt, host: RunHost): Promise<Outcome> => {
  try {
    const capability = host.capabilities.find(attempt.assignment.capability);
    const inputFault = capability.checkInput?.(attempt.assignment.input);
    if (inputFault !== undefined) return failed(schemaError("invalid_input", "The input", inputFault));
    const returned = await capability.handler(createContext(attempt, host));
    const output = toJson(returned, "The output", "invalid_output");
    const outputFault = capability.checkOutput?.(output);
    if (outputFault !== undefined) return failed(schemaError("invalid_output", "The output", outputFault));
    return { status: "completed", output };
  } catch (error) {
    return failed(toTaskError(error));
  }
};

const failed = (error: TaskError): Outcome => ({ status: "failed", error });

/** The same input breaks the schema every time; an output may come out right at the next attempt. */
const schemaError = (
  code: "invalid_input" | "invalid_output",
  subject: string,
  fault: CheckFault,
): TaskError => ({
  code,
  message: clip(`${subject} breaks the capability's schema: ${fault.message}.`, 2_000),
  retryable: code === "invalid_output",
  details: { errors: fault.errors },
});

/** Reports the outcome for as long as the lease may be live. A result that is refused becomes a failure. */
const settle = async (
  attempt: Attempt,
  outcome: Outcome,
  onProblem: (problem: Error) => void,
): Promise<void> => {
  const { taskId } = attempt.assignment;
  try {
    await attempt.call("settle", { outcome });
  } catch (error) {
    if (attempt.gone !== undefined) return;
    if (outcome.status === "completed" && isRefusal(error)) {
      return settle(
        attempt,
        failed({ ...toTaskError(error), retryable: error.code === "invalid_output" }),
        onProblem,
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    onProblem(
      new Error(`The outcome of task ${taskId} could not be reported and is dropped: ${reason}`, {
        cause: error,
      }),
    );
  }
};

/** The orchestrator understood the result and does not want it, as when it is too large. */
const isRefusal = (error: unknown): error is MusterError =>
  error instanceof MusterError && !error.retryable && error.code !== "internal";
