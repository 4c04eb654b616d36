import {
  BudgetResume,
  CancelReport,
  Deadlock,
  Explanation,
  limits,
  Task,
  TaskDetail,
  TaskStatus,
  TaskSubmission,
} from "@muster/sdk/protocol";
import Type from "typebox";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { longWait } from "../long-wait.ts";
import { listOf, pageOf } from "../operation.ts";
import { FilterText, PageQuery, TaskOrRunId, WaitQuery } from "./request-schemas.ts";

const access = ["admin", "client"] as const;
const tag = "tasks";

const TaskBatch = Type.Object(
  { tasks: Type.Array(TaskSubmission, { minItems: 1, maxItems: limits.tasksPerSubmission }) },
  { $id: "TaskBatch", additionalProperties: false },
);

const SubmittedTask = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    ref: Type.Union([Type.String(), Type.Null()]),
    status: TaskStatus,
    duplicate: Type.Boolean({ description: "The idempotency key was known; nothing was created." }),
  },
  { $id: "SubmittedTask" },
);

const TaskQuery = Type.Object(
  {
    status: Type.Optional(TaskStatus),
    capability: FilterText,
    runId: Type.Optional(Type.String({ format: "uuid" })),
    parentId: Type.Optional(Type.String({ format: "uuid" })),
    ...PageQuery,
  },
  { additionalProperties: false },
);

export function addTaskRoutes(app: ApiServer, context: ApiContext): void {
  addSubmission(app, context);
  addReading(app, context);
  addChanges(app, context);
}

function addSubmission(app: ApiServer, { orchestrator, operation, validators }: ApiContext): void {
  const checkBatch = validators.body(TaskBatch);
  const checkOne = validators.body(TaskSubmission);
  const isBatch = (body: unknown): body is object =>
    typeof body === "object" && body !== null && "tasks" in body;

  app.post(
    "/v1/tasks",
    {
      ...operation({
        id: "submitTasks",
        tag,
        access,
        summary: "Hand in one task, or many of which all or none are taken.",
        body: Type.Union([TaskBatch, TaskSubmission]),
        answer: { status: 201, schema: Type.Object({ tasks: Type.Array(SubmittedTask) }) },
      }),
      // One of the two is meant: say what is wrong with that one.
      validatorCompiler: () => (body: unknown) => {
        (isBatch(body) ? checkBatch : checkOne)(body);
        return true;
      },
    },
    async (request, reply) => {
      const { body } = request;
      const submissions = "tasks" in body ? body.tasks : [body];
      const tasks = await orchestrator.tasks.submit(submissions, request.principal);
      return reply.code(201).send({ tasks });
    },
  );
}

function addReading(app: ApiServer, { orchestrator, operation, closing }: ApiContext): void {
  const { tasks } = orchestrator;
  app.get(
    "/v1/tasks",
    operation({
      id: "listTasks",
      tag,
      access,
      summary: "Tasks, newest first.",
      querystring: TaskQuery,
      answer: { status: 200, schema: pageOf(Task) },
    }),
    (request) => tasks.list(request.query, request.principal),
  );
  app.get(
    "/v1/tasks/:id",
    operation({
      id: "getTask",
      tag,
      access,
      summary: "One task; with `waitMs`, as soon as it has ended.",
      params: TaskOrRunId,
      querystring: WaitQuery,
      answer: { status: 200, schema: TaskDetail },
    }),
    ({ params, query, principal }, reply) => {
      const get = () => tasks.get(params.id, principal);
      const waitMs = query.waitMs ?? 0;
      if (waitMs === 0) return get();
      return longWait(reply, closing, (signal) => tasks.wait(params.id, waitMs, principal, signal), get);
    },
  );
  app.get(
    "/v1/tasks/:id/why",
    operation({
      id: "explainTask",
      tag,
      access,
      summary: "Why a task is not running, or why it failed, in words.",
      params: TaskOrRunId,
      answer: { status: 200, schema: Explanation },
    }),
    ({ params, principal }) => tasks.explain(params.id, principal),
  );
  app.get(
    "/v1/deadlocks",
    operation({
      id: "listDeadlocks",
      tag,
      access,
      summary: "Tasks that wait for what can't happen.",
      answer: { status: 200, schema: listOf(Deadlock) },
    }),
    async ({ principal }) => ({ items: await tasks.deadlocks(principal) }),
  );
}

function addChanges(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  app.post(
    "/v1/tasks/:id/cancel",
    operation({
      id: "cancelTask",
      tag,
      access,
      summary: "Stop a task and everything below it.",
      params: TaskOrRunId,
      answer: { status: 200, schema: CancelReport },
    }),
    ({ params, principal }) => orchestrator.tasks.cancel(params.id, principal),
  );
  app.post(
    "/v1/tasks/:id/retry",
    operation({
      id: "retryTask",
      tag,
      access,
      summary: "Give a failed or cancelled task its attempts back.",
      params: TaskOrRunId,
      answer: { status: 200, schema: Task },
    }),
    ({ params, principal }) => orchestrator.tasks.retry(params.id, principal),
  );
  app.post(
    "/v1/tasks/:id/resume",
    operation({
      id: "resumeTask",
      tag,
      access,
      summary: "Raise the budget of a task that pauses, and let it go on.",
      params: TaskOrRunId,
      body: BudgetResume,
      answer: { status: 200, schema: TaskDetail },
    }),
    ({ params, body, principal }) => orchestrator.tasks.resume(params.id, body, principal),
  );
}
