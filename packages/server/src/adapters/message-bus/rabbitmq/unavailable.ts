import { MusterError } from "@muster/sdk/protocol";

/** What the broker, its driver or the network did to us, in our words. */
export function brokerUnavailable(what: string, cause: unknown): MusterError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MusterError("unavailable", `${what}: ${reason}.`, {
    hint: "See whether RabbitMQ runs and can be reached under AMQP_URL. Muster goes on trying.",
    cause,
  });
}

export const busClosed = (): MusterError =>
  new MusterError("unavailable", "The message bus is closed, as the orchestrator is stopping.", {
    hint: "Try again when the orchestrator is back.",
  });
