import { MusterError } from "@muster/sdk/protocol";

/** Agents that one registry keeps. */
export const mostAgents = 10_000;

export const tooManyAgents = (): MusterError =>
  new MusterError("limit_exceeded", `${mostAgents} agents are registered; there is no room for more.`, {
    hint: "Stop agents that are not needed, or wait until those that are gone have expired.",
  });
