import { BudgetResume, CancelReport, Run, RunDetail, RunStart, RunStatus } from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { longWait } from "../long-wait.ts";
import { pageOf } from "../operation.ts";
import { FilterText, PageQuery, TaskOrRunId, WaitQuery } from "./request-schemas.ts";

const access = ["admin", "client"] as const;
const tag = "runs";

const RunQuery = Type.Object(
  { status: Type.Optional(RunStatus), workflow: FilterText, ...PageQuery },
  { additionalProperties: false },
);

export function addRunRoutes(app: ApiServer, context: ApiContext): void {
  addReading(app, context);
  addChanges(app, context);
}

function addReading(app: ApiServer, { orchestrator, operation, closing }: ApiContext): void {
  const { runs } = orchestrator;
  app.get(
    "/v1/runs",
    operation({
      id: "listRuns",
      tag,
      access,
      summary: "Runs, newest first.",
      querystring: RunQuery,
      answer: { status: 200, schema: pageOf(Run) },
    }),
    (request) => runs.list(request.query, request.principal),
  );
  app.get(
    "/v1/runs/:id",
    operation({
      id: "getRun",
      tag,
      access,
      summary: "One run with its tasks; with `waitMs`, as soon as it has ended.",
      params: TaskOrRunId,
      querystring: WaitQuery,
      answer: { status: 200, schema: RunDetail },
    }),
    ({ params, query, principal }, reply) => {
      const get = () => runs.get(params.id, principal);
      const waitMs = query.waitMs ?? 0;
      if (waitMs === 0) return get();
      return longWait(reply, closing, (signal) => runs.wait(params.id, waitMs, principal, signal), get);
    },
  );
}

function addChanges(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { runs } = orchestrator;
  app.post(
    "/v1/runs",
    operation({
      id: "startRun",
      tag,
      access,
      summary: "Start a workflow.",
      body: RunStart,
      answer: { status: 201, schema: Run },
    }),
    async (request, reply) => reply.code(201).send(await runs.start(request.body, request.principal)),
  );
  app.post(
    "/v1/runs/:id/cancel",
    operation({
      id: "cancelRun",
      tag,
      access,
      summary: "Stop a run and all its tasks.",
      params: TaskOrRunId,
      answer: { status: 200, schema: CancelReport },
    }),
    ({ params, principal }) => runs.cancel(params.id, principal),
  );
  app.post(
    "/v1/runs/:id/retry",
    operation({
      id: "retryRun",
      tag,
      access,
      summary: "Go on from the steps that failed; what completed stays.",
      params: TaskOrRunId,
      answer: { status: 200, schema: Run },
    }),
    ({ params, principal }) => runs.retry(params.id, principal),
  );
  app.post(
    "/v1/runs/:id/resume",
    operation({
      id: "resumeRun",
      tag,
      access,
      summary: "Raise the budget of a run that pauses, and let it go on.",
      params: TaskOrRunId,
      body: BudgetResume,
      answer: { status: 200, schema: Run },
    }),
    ({ params, body, principal }) => orchestrator.runs.resume(params.id, body, principal),
  );
}
