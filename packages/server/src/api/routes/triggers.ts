import { limits, Trigger, TriggerDetail, TriggerRequest, TriggerStatus } from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { pageOf } from "../operation.ts";
import { PageQuery } from "./request-schemas.ts";

const access = ["admin", "client"] as const;
const tag = "triggers";

const TriggerQuery = Type.Object(
  { status: Type.Optional(TriggerStatus), ...PageQuery },
  { additionalProperties: false },
);
const CreateQuery = Type.Object(
  {
    dryRun: Type.Optional(Type.Boolean({ description: "Check it, and make nothing." })),
  },
  { additionalProperties: false },
);
const Named = Type.Object(
  {
    trigger: Type.String({ minLength: 1, maxLength: limits.nameLength, description: "Its id or its name." }),
  },
  { additionalProperties: false },
);

export function addTriggerRoutes(app: ApiServer, context: ApiContext): void {
  addReading(app, context);
  addMaking(app, context);
  addChanges(app, context);
}

function addReading(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { triggers } = orchestrator;
  app.get(
    "/v1/triggers",
    operation({
      id: "listTriggers",
      tag,
      access,
      summary: "Triggers, newest first.",
      querystring: TriggerQuery,
      answer: { status: 200, schema: pageOf(Trigger) },
    }),
    ({ query, principal }) => triggers.list(query, principal),
  );
  app.get(
    "/v1/triggers/:trigger",
    operation({
      id: "getTrigger",
      tag,
      access,
      summary: "One trigger with what it starts.",
      params: Named,
      answer: { status: 200, schema: TriggerDetail },
    }),
    ({ params, principal }) => triggers.get(params.trigger, principal),
  );
}

function addMaking(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { triggers } = orchestrator;
  app.post(
    "/v1/triggers",
    operation({
      id: "createTrigger",
      tag,
      access,
      summary: "Hand in a task or start a workflow when an event happens.",
      querystring: CreateQuery,
      body: TriggerRequest,
      answer: { status: 201, schema: TriggerDetail },
    }),
    async ({ body, query, principal }, reply) => {
      const { dryRun = false } = query;
      return reply.code(201).send(await triggers.create(body, principal, { dryRun }));
    },
  );
  app.delete(
    "/v1/triggers/:trigger",
    operation({
      id: "deleteTrigger",
      tag,
      access,
      summary: "Delete a trigger. What it started goes on.",
      params: Named,
      answer: { status: 200, schema: Trigger },
    }),
    ({ params, principal }) => triggers.delete(params.trigger, principal),
  );
}

function addChanges(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { triggers } = orchestrator;
  const changes = [
    ["pause", "Let events pass until it is resumed."],
    ["resume", "Go on with what happens from now on."],
  ] as const;
  for (const [change, summary] of changes) {
    app.post(
      `/v1/triggers/:trigger/${change}`,
      operation({
        id: `${change}Trigger`,
        tag,
        access,
        summary,
        params: Named,
        answer: { status: 200, schema: Trigger },
      }),
      ({ params, principal }) => triggers[change](params.trigger, principal),
    );
  }
}
