import { Rollout, RolloutDetail, RolloutStart, RolloutStatus } from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { pageOf } from "../operation.ts";
import { FilterText, PageQuery, TaskOrRunId } from "./request-schemas.ts";

const readers = ["admin", "client"] as const;
const admins = ["admin"] as const;
const tag = "rollouts";

const RolloutQuery = Type.Object(
  { capability: FilterText, status: Type.Optional(RolloutStatus), ...PageQuery },
  { additionalProperties: false },
);

const RolloutPromotion = Type.Object(
  {
    toEnd: Type.Optional(
      Type.Boolean({ default: false, description: "Past all steps: every task is the candidate's." }),
    ),
  },
  { $id: "RolloutPromotion", additionalProperties: false },
);

const RolloutAbort = Type.Object(
  { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000 })) },
  { $id: "RolloutAbort", additionalProperties: false },
);

export function addRolloutRoutes(app: ApiServer, context: ApiContext): void {
  addReading(app, context);
  addChanges(app, context);
}

function addReading(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { rollouts } = orchestrator;
  app.get(
    "/v1/rollouts",
    operation({
      id: "listRollouts",
      tag,
      access: readers,
      summary: "Rollouts, newest first.",
      querystring: RolloutQuery,
      answer: { status: 200, schema: pageOf(Rollout) },
    }),
    (request) => rollouts.list(request.query, request.principal),
  );
  app.get(
    "/v1/rollouts/:id",
    operation({
      id: "getRollout",
      tag,
      access: readers,
      summary: "One rollout, with what came of each side and how results compare.",
      params: TaskOrRunId,
      answer: { status: 200, schema: RolloutDetail },
    }),
    ({ params, principal }) => rollouts.get(params.id, principal),
  );
}

function addChanges(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { rollouts } = orchestrator;
  const answer = { status: 200 as const, schema: Rollout };
  app.post(
    "/v1/rollouts",
    operation({
      id: "startRollout",
      tag,
      access: admins,
      summary: "Share tasks of a capability out between two versions of its agents.",
      body: RolloutStart,
      answer: { status: 201, schema: Rollout },
    }),
    async ({ body, principal }, reply) => reply.code(201).send(await rollouts.start(body, principal)),
  );
  app.post(
    "/v1/rollouts/:id/promote",
    operation({
      id: "promoteRollout",
      tag,
      access: admins,
      summary: "Go on to the next step, or past all of them.",
      params: TaskOrRunId,
      body: RolloutPromotion,
      answer,
    }),
    ({ params, body, principal }) => rollouts.promote(params.id, body, principal),
  );
  app.post(
    "/v1/rollouts/:id/abort",
    operation({
      id: "abortRollout",
      tag,
      access: admins,
      summary: "Give everything back to the baseline.",
      params: TaskOrRunId,
      body: RolloutAbort,
      answer,
    }),
    ({ params, body, principal }) => rollouts.abort(params.id, body, principal),
  );
  app.post(
    "/v1/rollouts/:id/clear",
    operation({
      id: "clearRollout",
      tag,
      access: admins,
      summary: "Let agents of every version work again, after a rollout has ended.",
      params: TaskOrRunId,
      answer,
    }),
    ({ params, principal }) => rollouts.clear(params.id, principal),
  );
}
