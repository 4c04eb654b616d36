import { MusterError } from "@muster/sdk/protocol";

/** Whether a service did not answer, as opposed to having refused: what is only a hint can be left out then. */
export const isAway = (error: unknown): boolean =>
  error instanceof MusterError && error.code === "unavailable";
