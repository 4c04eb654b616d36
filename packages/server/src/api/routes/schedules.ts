import {
  limits,
  Schedule,
  ScheduleDetail,
  ScheduleRequest,
  ScheduleStarted,
  ScheduleStatus,
} from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { pageOf } from "../operation.ts";
import { PageQuery } from "./request-schemas.ts";

const access = ["admin", "client"] as const;
const tag = "schedules";

const ScheduleQuery = Type.Object(
  { status: Type.Optional(ScheduleStatus), ...PageQuery },
  { additionalProperties: false },
);
const CreateQuery = Type.Object(
  {
    dryRun: Type.Optional(Type.Boolean({ description: "Check it, tell its next times, and make nothing." })),
  },
  { additionalProperties: false },
);
const Named = Type.Object(
  {
    schedule: Type.String({ minLength: 1, maxLength: limits.nameLength, description: "Its id or its name." }),
  },
  { additionalProperties: false },
);

export function addScheduleRoutes(app: ApiServer, context: ApiContext): void {
  addReading(app, context);
  addMaking(app, context);
  addChanges(app, context);
}

function addReading(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { schedules } = orchestrator;
  app.get(
    "/v1/schedules",
    operation({
      id: "listSchedules",
      tag,
      access,
      summary: "Schedules, newest first.",
      querystring: ScheduleQuery,
      answer: { status: 200, schema: pageOf(Schedule) },
    }),
    ({ query, principal }) => schedules.list(query, principal),
  );
  app.get(
    "/v1/schedules/:schedule",
    operation({
      id: "getSchedule",
      tag,
      access,
      summary: "One schedule with what it starts and its next times.",
      params: Named,
      answer: { status: 200, schema: ScheduleDetail },
    }),
    ({ params, principal }) => schedules.get(params.schedule, principal),
  );
}

function addMaking(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { schedules } = orchestrator;
  app.post(
    "/v1/schedules",
    operation({
      id: "createSchedule",
      tag,
      access,
      summary: "Hand in a task or start a workflow at certain times.",
      querystring: CreateQuery,
      body: ScheduleRequest,
      answer: { status: 201, schema: ScheduleDetail },
    }),
    async ({ body, query, principal }, reply) => {
      const { dryRun = false } = query;
      return reply.code(201).send(await schedules.create(body, principal, { dryRun }));
    },
  );
  app.delete(
    "/v1/schedules/:schedule",
    operation({
      id: "deleteSchedule",
      tag,
      access,
      summary: "Delete a schedule. What it started goes on.",
      params: Named,
      answer: { status: 200, schema: Schedule },
    }),
    ({ params, principal }) => schedules.delete(params.schedule, principal),
  );
}

function addChanges(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { schedules } = orchestrator;
  const changes = [
    ["pause", "Let its times pass until it is resumed."],
    ["resume", "Go on with the next time from now."],
  ] as const;
  for (const [change, summary] of changes) {
    app.post(
      `/v1/schedules/:schedule/${change}`,
      operation({
        id: `${change}Schedule`,
        tag,
        access,
        summary,
        params: Named,
        answer: { status: 200, schema: Schedule },
      }),
      ({ params, principal }) => schedules[change](params.schedule, principal),
    );
  }
  app.post(
    "/v1/schedules/:schedule/run",
    operation({
      id: "runSchedule",
      tag,
      access,
      summary: "Start its work now, whatever else is under way.",
      params: Named,
      answer: { status: 200, schema: ScheduleStarted },
    }),
    ({ params, principal }) => schedules.run(params.schedule, principal),
  );
}
