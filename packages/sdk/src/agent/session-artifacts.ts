import type { ArtifactAccess } from "../client/artifact-access.ts";
import { createHttpArtifacts, type HttpArtifactsOptions } from "../client/http-artifacts.ts";
import { type AgentSession, MusterError } from "../protocol/index.ts";
import type { HeldLease } from "./transport.ts";

/** Files go over HTTP, whatever carries the messages: as the agent of this session, under the lease of the task. */
export const createSessionArtifacts = (
  session: Pick<AgentSession, "agentId" | "session"> | undefined,
  { taskId, leaseToken }: HeldLease,
  options: Pick<HttpArtifactsOptions, "servers" | "fetch">,
): ArtifactAccess => {
  if (session === undefined) throw new MusterError("agent_unknown", "The agent is not registered.");
  return createHttpArtifacts({
    ...options,
    path: `/v1/agents/${encodeURIComponent(session.agentId)}/tasks/${taskId}/artifacts`,
    headers: () => ({ authorization: `Bearer ${session.session}`, "muster-lease": leaseToken }),
  });
};
