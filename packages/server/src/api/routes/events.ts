import { Event, type EventType, eventTypes, limits, MusterError, ProjectName } from "@muster/sdk/protocol";
import Type, { type Static } from "typebox";
import type { EventFilter } from "../../core/orchestrator.ts";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { streamEvents } from "../event-socket.ts";
import { keepAlive } from "../keep-alive.ts";
import { upgradeNeeded } from "../web-sockets.ts";
import { CommaList, splitCommas } from "./request-schemas.ts";

const access = ["admin", "client"] as const;
const tag = "events";

const Filter = {
  taskId: Type.Optional(Type.String({ format: "uuid" })),
  runId: Type.Optional(Type.String({ format: "uuid" })),
  types: CommaList("Types of events, separated by commas; all where it is left out."),
  project: Type.Optional(ProjectName),
};
const Sequence = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }));

const ReadQuery = Type.Object(
  {
    after: Sequence("Only events with a higher number; 0 where it is left out."),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize, default: limits.pageSize })),
    ...Filter,
  },
  { additionalProperties: false },
);
const StreamQuery = Type.Object(
  { after: Sequence("Go on behind this event; without it, only new ones."), ...Filter },
  { additionalProperties: false },
);

export function addEventRoutes(app: ApiServer, context: ApiContext): void {
  addReading(app, context);
  addStream(app, context);
}

function addReading(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { events } = orchestrator;
  app.get(
    "/v1/events",
    operation({
      id: "readEvents",
      tag,
      access,
      summary: "Events in order.",
      querystring: ReadQuery,
      answer: {
        status: 200,
        schema: Type.Object({ items: Type.Array(Event), latest: Type.Integer() }),
      },
    }),
    async ({ query, principal }) => {
      const latest = await events.latest();
      const items = await events.read(query.after ?? 0, readFilter(query), principal, query.limit);
      return { items, latest: Math.max(latest, items.at(-1)?.seq ?? 0) };
    },
  );
}

function addStream(
  app: ApiServer,
  { orchestrator, operation, keepAliveTimes, sendBounds }: ApiContext,
): void {
  app.route({
    method: "GET",
    url: "/v1/events/stream",
    exposeHeadRoute: false,
    ...operation({
      id: "streamEvents",
      tag,
      access,
      summary: "A WebSocket on which each frame is one event as JSON.",
      querystring: StreamQuery,
      answer: { status: 101, schema: "The connection is a WebSocket now." },
    }),
    // Before the upgrade, so that a mistake is answered over HTTP.
    preHandler: async ({ query }) => void readFilter(query as Static<typeof StreamQuery>),
    handler: upgradeNeeded,
    wsHandler: (socket, request) => {
      const query = request.query as Static<typeof StreamQuery>;
      keepAlive(socket, keepAliveTimes, request.stillAllowed);
      return streamEvents(socket, {
        events: orchestrator.events,
        principal: request.principal,
        filter: readFilter(query),
        after: query.after,
        bounds: sendBounds,
        log: request.log,
      });
    },
  });
}

function readFilter({
  taskId,
  runId,
  types,
  project,
}: {
  taskId?: string;
  runId?: string;
  types?: string;
  project?: string;
}): EventFilter {
  return {
    ...(taskId === undefined ? {} : { taskId }),
    ...(runId === undefined ? {} : { runId }),
    ...(types === undefined ? {} : { types: readTypes(types) }),
    ...(project === undefined ? {} : { project }),
  };
}

const isEventType = (name: string): name is EventType => (eventTypes as readonly string[]).includes(name);

function readTypes(text: string): EventType[] {
  return splitCommas(text).map((name) => {
    if (isEventType(name)) return name;
    throw new MusterError(
      "invalid_request",
      `The address is not valid: /types names ${name.slice(0, 100)}.`,
      {
        hint: `The types are ${eventTypes.join(", ")}.`,
      },
    );
  });
}
