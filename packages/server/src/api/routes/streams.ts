import type { Principal, Watched } from "../../core/orchestrator.ts";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { keepAlive } from "../keep-alive.ts";
import { streamText } from "../text-socket.ts";
import { upgradeNeeded } from "../web-sockets.ts";
import { TaskOrRunId } from "./request-schemas.ts";

/** What agents say while they work, for whoever watches a task or a run. */
export function addStreamRoutes(app: ApiServer, context: ApiContext): void {
  const { tasks, runs } = context.orchestrator;
  addStream(app, context, {
    url: "/v1/tasks/:id/stream",
    id: "streamTask",
    tag: "tasks",
    summary: "A WebSocket on which each frame is a piece (TextDelta) of what the agent at work says.",
    see: (id, principal) => tasks.get(id, principal),
    watched: (id) => ({ taskId: id }),
  });
  addStream(app, context, {
    url: "/v1/runs/:id/stream",
    id: "streamRun",
    tag: "runs",
    summary: "A WebSocket on which each frame is a piece (TextDelta) of what an agent of the run says.",
    see: (id, principal) => runs.get(id, principal),
    watched: (id) => ({ runId: id }),
  });
}

interface StreamRoute {
  url: `/v1/${string}/:id/stream`;
  id: string;
  tag: string;
  summary: string;
  /** Throws where the caller may not see it. */
  see: (id: string, principal: Principal) => Promise<unknown>;
  watched: (id: string) => Watched;
}

function addStream(
  app: ApiServer,
  { orchestrator, operation, keepAliveTimes, sendBounds }: ApiContext,
  { url, id, tag, summary, see, watched }: StreamRoute,
): void {
  app.route({
    method: "GET",
    url,
    exposeHeadRoute: false,
    ...operation({
      id,
      tag,
      access: ["admin", "client"],
      summary,
      params: TaskOrRunId,
      answer: { status: 101, schema: "The connection is a WebSocket now." },
    }),
    // Before the upgrade, so that a mistake is answered over HTTP.
    preHandler: async ({ params, principal }) => void (await see((params as { id: string }).id, principal)),
    handler: upgradeNeeded,
    wsHandler: (socket, request) => {
      keepAlive(socket, keepAliveTimes, request.stillAllowed);
      return streamText(socket, {
        streams: orchestrator.streams,
        principal: request.principal,
        watched: watched((request.params as { id: string }).id),
        bufferedBytes: sendBounds.bufferedBytes,
        log: request.log,
      });
    },
  });
}
