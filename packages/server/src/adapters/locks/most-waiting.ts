import { MusterError } from "@muster/sdk/protocol";

/** Callers that may wait for one resource. */
export const mostWaiting = 1_000;

export const tooManyWaiting = (resource: string): MusterError =>
  new MusterError("limit_exceeded", `${mostWaiting} callers wait for ${resource} already.`, {
    hint: "Hold the lock for a shorter time, or try again later.",
  });
